// Reads payloads with the event types of aws-lambda-go, and prints what it understood, a line each.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

type record struct {
	Topic         string     `json:"topic"`
	Partition     int64      `json:"partition"`
	Offset        int64      `json:"offset"`
	Timestamp     int64      `json:"timestamp"`
	TimestampType string     `json:"timestampType"`
	Key           string     `json:"key"`
	Value         string     `json:"value"`
	Headers       [][]string `json:"headers"`
}

type reading struct {
	EventSource      string   `json:"eventSource"`
	EventSourceARN   string   `json:"eventSourceArn,omitempty"`
	BootstrapServers string   `json:"bootstrapServers"`
	Partitions       []string `json:"partitions"`
	Records          []record `json:"records"`
}

type line struct {
	Reader  string   `json:"reader"`
	Payload string   `json:"payload"`
	Read    *reading `json:"read,omitempty"`
	Refused string   `json:"refused,omitempty"`
}

func understand(payload []byte, strict bool) (*reading, error) {
	var event events.KafkaEvent
	decoder := json.NewDecoder(bytes.NewReader(payload))
	if strict {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(&event); err != nil {
		return nil, err
	}
	read := &reading{event.EventSource, event.EventSourceARN, event.BootstrapServers, nil, nil}
	for key, records := range event.Records {
		read.Partitions = append(read.Partitions, key)
		for _, one := range records {
			headers := [][]string{}
			for _, header := range one.Headers {
				for name, value := range header {
					headers = append(headers, []string{name, base64.StdEncoding.EncodeToString(value)})
				}
			}
			read.Records = append(read.Records, record{one.Topic, one.Partition, one.Offset,
				one.Timestamp.UnixMilli(), one.TimestampType, one.Key, one.Value, headers})
		}
	}
	return read, nil
}

func main() {
	files, err := filepath.Glob(filepath.Join(os.Args[1], "*.json"))
	if err != nil {
		panic(err)
	}
	out := json.NewEncoder(os.Stdout)
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		for reader, strict := range map[string]bool{"KafkaEvent": false, "KafkaEvent, unknown fields refused": true} {
			one := line{Reader: reader, Payload: strings.TrimSuffix(filepath.Base(file), ".json")}
			read, err := understand(payload, strict)
			if err != nil {
				one.Refused = err.Error()
			}
			one.Read = read
			if err := out.Encode(one); err != nil {
				panic(err)
			}
		}
	}
}
