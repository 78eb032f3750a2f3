//! Reads payloads with the event types of aws_lambda_events, and prints what it understood, a line each.
use aws_lambda_events::event::kafka::{KafkaEvent, KafkaRecord};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{env, error::Error, fs};

fn base64(signed: &[i8]) -> String {
    BASE64_STANDARD.encode(signed.iter().map(|byte| byte.cast_unsigned()).collect::<Vec<_>>())
}

fn record(one: &KafkaRecord) -> Value {
    let headers: Vec<Value> = one
        .headers
        .iter()
        .flatten()
        .map(|(name, value)| json!([name, base64(value)]))
        .collect();
    json!({
        "topic": one.topic,
        "partition": one.partition,
        "offset": one.offset,
        "timestamp": one.timestamp.0.timestamp_millis(),
        "timestampType": one.timestamp_type,
        "key": one.key,
        "value": one.value,
        "headers": headers,
    })
}

/// What the types understood, and the members that they do not know.
fn understand(payload: &str) -> Result<Value, serde_json::Error> {
    let mut unknown = Vec::new();
    let decoder = &mut serde_json::Deserializer::from_str(payload);
    let event: KafkaEvent =
        serde_ignored::deserialize(decoder, |path| unknown.push(path.to_string()))?;
    Ok(json!({
        "eventSource": event.event_source,
        "eventSourceArn": event.event_source_arn,
        "bootstrapServers": event.bootstrap_servers,
        "partitions": event.records.keys().collect::<Vec<_>>(),
        "records": event.records.values().flatten().map(record).collect::<Vec<_>>(),
        "unknown": unknown,
    }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("The folder of the payloads is missing.")?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().ok_or("A payload has no name.")?.to_string_lossy();
        let outcome = match understand(&fs::read_to_string(&path)?) {
            Ok(read) => json!({ "reader": "KafkaEvent", "payload": name, "read": read }),
            Err(error) => json!({ "reader": "KafkaEvent", "payload": name, "refused": error.to_string() }),
        };
        println!("{outcome}");
    }
    Ok(())
}
