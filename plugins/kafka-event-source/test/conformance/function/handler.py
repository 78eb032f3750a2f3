"""Notes each event in a file for its topic, and then does what the records say: handler.mjs is the same in Node."""

import base64
import json
import os
import time


def conform(event, context):
    records = records_of(event)
    file = f"{os.environ['CONFORMANCE_LOG']}/{records[0]['topic']}.jsonl"
    with open(file, "a") as log:
        log.write(json.dumps(event) + "\n")
    with open(file) as log:
        delivered = [one for line in log for one in records_of(json.loads(line))]
    failures = []
    answer = None
    for record in records:
        order = order_of(record)
        place = (record["partition"], record["offset"])
        attempts = sum((one["partition"], one["offset"]) == place for one in delivered)
        if attempts > order.get("times", 1):
            continue
        action = order.get("do")
        if action == "exit":
            os._exit(3)
        if action == "hang":
            time.sleep(600)
        if action == "throw":
            raise RuntimeError("thrown by the function")
        if action == "report":
            name = f"{record['topic']}-{record['partition']}"
            failures.append({"itemIdentifier": {"partition": name, "offset": record["offset"]}})
        if action == "answer":
            answer = order["answer"]
    return {"batchItemFailures": failures} if failures else answer


def records_of(event):
    return [record for records in event["records"].values() for record in records]


def order_of(record):
    """Records of other tests hold no order."""
    try:
        order = json.loads(base64.b64decode(record.get("value", "")))
    except ValueError:
        return {}
    return order if isinstance(order, dict) else {}
