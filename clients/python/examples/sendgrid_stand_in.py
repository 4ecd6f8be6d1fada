"""A stand-in of SendGrid over HTTP: it takes mails with the current key, and remembers them.

python sendgrid_stand_in.py SG.the-key-that-it-takes 8025
"""

import json
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

MAIL_ID = re.compile(r"unique_args\['outbox_id'\]=\"([^\"]+)\"")


class SendGrid:
    """Listens on 127.0.0.1.

    `taken` are the ids of the mails that it took, in order, each as often as it was sent.
    """

    def __init__(self, key: str, port: int = 0) -> None:
        self.key = key
        self.taken: list[str] = []
        self.times: list[float] = []
        self.refused = 0
        sendgrid = self

        class Handler(BaseHTTPRequestHandler):
            """One connection."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Take a mail (v3 Mail Send)."""
                content = self.rfile.read(int(self.headers["content-length"]))
                if self.is_authorized():
                    [receiver] = json.loads(content)["personalizations"]
                    sendgrid.taken.append(receiver["custom_args"]["outbox_id"])
                    sendgrid.times.append(time.monotonic())
                    time.sleep(0.02)  # so that a kill falls between taking and answering
                    self.answer(202, b"")

            def do_GET(self) -> None:
                """Say whether a mail is known (Email Activity)."""
                if self.is_authorized():
                    [query] = parse_qs(urlsplit(self.path).query)["query"]
                    found = MAIL_ID.search(query)
                    known = found and found[1] in sendgrid.taken
                    self.answer(200, json.dumps({"messages": [{}] if known else []}).encode())

            def is_authorized(self) -> bool:
                """Return whether the key is the current one; else answer 401."""
                if self.headers["authorization"] == f"Bearer {sendgrid.key}":
                    return True
                sendgrid.refused += 1
                self.answer(401, b"{}")
                return False

            def answer(self, status: int, body: bytes) -> None:
                """Answer with *body*."""
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name
                """Keep quiet."""

        class Server(ThreadingHTTPServer):
            """One thread a connection."""

            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Keep quiet about workers that were killed."""

        self.server = Server(("127.0.0.1", port), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = Thread(target=self.server.serve_forever, args=[0.05])
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


if __name__ == "__main__":
    stand_in = SendGrid(sys.argv[1], int(sys.argv[2]))
    print(f"Takes mails on {stand_in.base}", flush=True)
