"""SES and SNS as moto imitates them, on a free port of the loopback. Prints the port when it
answers; for every line that it reads, prints what the two have taken, as one line of JSON."""

import json
import sys

from moto.server import ThreadedMotoServer


def taken():
    from moto.ses.models import ses_backends
    from moto.sns.models import sns_backends

    messages = [
        {key: str(value) for key, value in vars(message).items()}
        for backends in ses_backends.values()
        for backend in backends.values()
        for message in backend.sent_messages
    ]
    sms = [
        list(entry)
        for backends in sns_backends.values()
        for backend in backends.values()
        for entry in backend.sms_messages.values()
    ]
    return {"email": messages, "sms": sms}


server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
for _ in sys.stdin:
    print(json.dumps(taken()), flush=True)
server.stop()
