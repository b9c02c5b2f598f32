// A subscriber by HTTP, with nothing but Node.js.
const { createServer } = require("node:http");

// In the place of a mail, which would remember `source` and `id`: the whole event.
async function send(event) {
  console.log(JSON.stringify(event));
  return true;
}

const server = createServer(async (request, response) => {
  switch (`${request.method} ${request.url}`) {
    case "POST /mail": {
      const parts = await request.setEncoding("utf8").toArray();
      const event = JSON.parse(parts.join(""));
      const canary = event.type === "com.task-pubsub.canary";
      const status = canary || (await send(event)) ? "SUCCESS" : "RETRY";
      return response.end(JSON.stringify({ status }));
    }
    case "GET /healthz":
      return response.end();
    default: // 404 would have the sidecar drop an event.
      return response.writeHead(500).end();
  }
});
server.listen(process.env.APP_PORT);
process.on("SIGTERM", () => server.close());
