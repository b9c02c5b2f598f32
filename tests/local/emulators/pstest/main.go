// Google's fake of Cloud Pub/Sub on a port, and what was published to it on another.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"strings"

	"cloud.google.com/go/pubsub/pstest"
)

func main() {
	grpc := flag.String("grpc", "127.0.0.1:8085", "where the API listens, as in PUBSUB_EMULATOR_HOST")
	web := flag.String("http", "127.0.0.1:8086", "where GET /messages?topic=NAME answers")
	flag.Parse()

	server := pstest.NewServerWithAddress(*grpc)
	http.HandleFunc("GET /messages", func(w http.ResponseWriter, r *http.Request) {
		messages := []string{}
		for _, message := range server.Messages() {
			if strings.HasSuffix(message.Topic, "/topics/"+r.FormValue("topic")) {
				messages = append(messages, string(message.Data))
			}
		}
		if err := json.NewEncoder(w).Encode(messages); err != nil {
			log.Print(err)
		}
	})
	log.Fatal(http.ListenAndServe(*web, nil))
}
