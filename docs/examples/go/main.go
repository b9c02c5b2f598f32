// A subscriber by gRPC, without an SDK: Dapr's own callback.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"

	runtime "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

type ledger struct {
	runtime.UnimplementedAppCallbackServer
}

func (ledger) OnTopicEvent(_ context.Context, event *runtime.TopicEventRequest) (*runtime.TopicEventResponse, error) {
	status := runtime.TopicEventResponse_SUCCESS
	if event.GetType() == "com.task-pubsub.canary" {
		return &runtime.TopicEventResponse{Status: status}, nil
	}
	if err := book(event); err != nil {
		log.Print(err)
		status = runtime.TopicEventResponse_RETRY
	}
	return &runtime.TopicEventResponse{Status: status}, nil
}

// In the place of an effect, which would remember source and id: the whole event, as it comes by HTTP.
func book(event *runtime.TopicEventRequest) error {
	entry := event.GetExtensions().AsMap()
	entry["id"] = event.GetId()
	entry["source"] = event.GetSource()
	entry["type"] = event.GetType()
	entry["topic"] = event.GetTopic()
	entry["pubsubname"] = event.GetPubsubName()
	entry["data"] = json.RawMessage(event.GetData())
	return json.NewEncoder(os.Stdout).Encode(entry)
}

func main() {
	if slices.Contains(os.Args, "-migrate") {
		return // The container that ci/go.yaml runs first: a ledger in a database would prepare its tables.
	}
	listener, err := net.Listen("tcp", ":"+os.Getenv("APP_PORT"))
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	runtime.RegisterAppCallbackServer(server, ledger{})
	grpc_health_v1.RegisterHealthServer(server, health.NewServer()) // Asked by the readiness probe of ci/go.yaml.

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	context.AfterFunc(stop, server.GracefulStop)
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}
