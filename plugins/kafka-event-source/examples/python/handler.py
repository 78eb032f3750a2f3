"""Greets every record of the topic."""

from base64 import b64decode


def greet(event, context):
    for records in event["records"].values():
        for record in records:
            print(f"Hello, {b64decode(record['value']).decode()}!")
