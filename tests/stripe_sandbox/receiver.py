"""A webhook endpoint that keeps its deliveries and answers with scripted statuses."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Received(NamedTuple):
    body: bytes
    signature: str
    content_type: str

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


class Receiver:
    """`statuses` answer the next deliveries in turn; after them every answer is 200."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.statuses: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate: threading.Event | None = None
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.take(
                    Received(body, self.headers["Stripe-Signature"], self.headers["Content-Type"])
                )
                with suppress(ConnectionError):  # the caller may have given up
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(b"taken" if status == 200 else b"not now")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/stripe"

    def take(self, received: Received) -> int:
        with self._lock:
            self.received.append(received)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            status = self.statuses.pop(0) if self.statuses else 200
        if self.gate:
            self.gate.wait(60)
        with self._lock:
            self.at_once -= 1
        return status

    @property
    def events(self) -> list[dict[str, Any]]:
        return [one.event for one in self.received]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    @contextmanager
    def running(self) -> Iterator["Receiver"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
