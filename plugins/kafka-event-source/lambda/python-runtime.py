"""
Calls a handler of Python as AWS's runtime client does, in the place of serverless-offline's invoke.py.

Arguments: the handler's file without ".py", the handler's name, the time limit in ms, and a mark. Reads a line
of JSON for each call, and writes a line: the mark, and {"__offline_payload__": {"answer": …}}, or {"error": …} in
it. The mark tells the line from those that the handler prints.
https://github.com/aws/aws-lambda-python-runtime-interface-client
"""

import importlib
import io
import json
import logging
import os
import sys
import traceback
from decimal import Decimal
from time import monotonic


class Output(io.TextIOWrapper):
    """Knows whether the handler has ended its last line, so that the answer begins a line of its own."""

    has_ended = True

    def write(self, text):
        if text:
            self.has_ended = text.endswith("\n")
        return super().write(text)


class Failure(Exception):
    """An error that AWS's client names otherwise than Python does."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Context:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, data, timeout_ms):
        self._ends_at = monotonic() + timeout_ms / 1000
        # The names that serverless-offline's own context has.
        for name, value in data.items():
            setattr(self, name, value)
        self.function_name = data.get("functionName")
        self.function_version = data.get("functionVersion")
        self.invoked_function_arn = data.get("invokedFunctionArn")
        self.memory_limit_in_mb = data.get("memoryLimitInMB")
        self.aws_request_id = data.get("awsRequestId")
        self.log_group_name = data.get("logGroupName")
        self.log_stream_name = data.get("logStreamName")
        self.client_context = data.get("clientContext")
        self.identity = data.get("identity")

    def get_remaining_time_in_millis(self):
        return max(int((self._ends_at - monotonic()) * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


def load(module_name, handler_name):
    try:
        importlib.invalidate_caches()
        module = importlib.import_module(module_name)
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise Failure("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        raise Failure("Runtime.UserCodeSyntaxError", message) from error
    try:
        return getattr(module, handler_name)
    except AttributeError as error:
        message = f"Handler '{handler_name}' missing on module '{module_name}'"
        raise Failure("Runtime.HandlerNotFound", message) from error


def plain(value):
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def to_json(answer):
    try:
        return json.dumps({"answer": answer}, default=plain, allow_nan=False)
    except Exception as error:
        raise Failure("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def main(path, handler_name, timeout_ms, mark):
    output = Output(
        sys.stdout.buffer, encoding=sys.stdout.encoding, errors="replace", write_through=True
    )
    sys.stdout = output
    # Lines on stderr may come after the answer, and nobody reads them then.
    logging.basicConfig(stream=output)
    # AWS: the service's folder comes first. Else this file's folder would.
    sys.path[0] = os.getcwd()
    calls = sys.stdin.buffer
    try:
        sys.stdin = open("/dev/tty")  # For a debugger.
    except OSError:
        sys.stdin = open(os.devnull)

    handler = None
    for line in calls:
        call = json.loads(line)
        try:
            if handler is None:
                handler = load(path.replace(os.sep, "."), handler_name)
            text = to_json(handler(call["event"], Context(call["context"], timeout_ms)))
        except Exception as error:
            kind = error.kind if isinstance(error, Failure) else type(error).__name__
            # Without the line of this file.
            frames = "".join(traceback.format_tb(error.__traceback__)[1:])
            output.write("" if output.has_ended else "\n")
            output.write(f"[ERROR] {kind}: {error}\nTraceback (most recent call last):\n{frames}\n")
            text = json.dumps({"error": {"errorType": kind, "errorMessage": str(error)}})
        output.write(("" if output.has_ended else "\n") + f'{mark}{{"__offline_payload__": {text}}}\n')


# Child processes of multiprocessing import this file once more.
if __name__ == "__main__":
    # The handler does not see the mark.
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv.pop())
