"""Reads payloads with Powertools for AWS Lambda (Python), and prints what it understood, a line each."""

import json
import sys
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from pathlib import Path

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes import KafkaEvent
from aws_lambda_powertools.utilities.kafka import kafka_consumer
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.models import KafkaMskEventModel, KafkaSelfManagedEventModel

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def base64(data):
    if data is None:
        return None
    return b64encode(data.encode() if isinstance(data, str) else data).decode()


def schema(metadata):
    return metadata and {"dataFormat": metadata.data_format, "schemaId": metadata.schema_id}


def record_reading(record, key, value, headers):
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "timestampType": record.timestamp_type,
        "key": base64(key),
        "value": base64(value),
        "headers": [[name, base64(data)] for name, data in headers.items()],
        "keySchema": schema(record.key_schema_metadata),
        "valueSchema": schema(record.value_schema_metadata),
    }


def event_reading(event, records):
    return {
        "eventSource": event.event_source,
        "eventSourceArn": event.event_source_arn,
        "bootstrapServers": event.bootstrap_servers,
        "records": records,
    }


def of_data_class(record):
    return record_reading(record, record.decoded_key, record.decoded_value, record.decoded_headers)


def data_class(payload):
    event = KafkaEvent(payload)
    return event_reading(event, [of_data_class(record) for record in event.records])


@kafka_consumer
def consume(records, context):
    read = [record_reading(one, one.key, one.value, one.headers) for one in records.records]
    return event_reading(records, read)


def consumer(payload):
    return consume(payload, None)


def parser(payload):
    msk = payload["eventSource"] == "aws:kafka"
    event = parse(event=payload, model=KafkaMskEventModel if msk else KafkaSelfManagedEventModel)
    return {
        "eventSource": event.eventSource,
        "eventSourceArn": event.eventSourceArn if msk else None,
        "bootstrapServers": ",".join(event.bootstrapServers),
        "partitions": list(event.records),
        "records": [of_model(record) for group in event.records.values() for record in group],
    }


def of_model(record):
    metadata = {
        name: one and one.model_dump()
        for name, one in (("keySchema", record.keySchemaMetadata), ("valueSchema", record.valueSchemaMetadata))
    }
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": (record.timestamp - EPOCH) // timedelta(milliseconds=1),
        "timestampType": record.timestampType,
        "key": base64(record.key),
        "value": base64(record.value),
        "headers": [[name, base64(data)] for header in record.headers for name, data in header.items()],
        **metadata,
    }


def batch(payload):
    records = []

    def handle(record):
        records.append(of_data_class(record))
        if record.decoded_value == b"fail":
            raise ValueError("as asked")

    processor = BatchProcessor(event_type=EventType.Kafka)
    answer = process_partial_response(
        event=payload, record_handler=handle, processor=processor, context=None
    )
    return {"records": records, "answer": answer}


READERS = {
    "KafkaEvent": data_class,
    "kafka_consumer": consumer,
    "parser, Kafka models": parser,
    "BatchProcessor": batch,
}

for file in sorted(Path(sys.argv[1]).glob("*.json")):
    for reader, understand in READERS.items():
        line = {"reader": reader, "payload": file.stem}
        try:
            line["read"] = understand(json.loads(file.read_text()))
        except Exception as error:  # A refusal of any kind is a result.
            line["refused"] = f"{type(error).__name__}: {error}"
        print(json.dumps(line))
