"""A small OAuth provider on a real socket: exchanges codes for tokens and returns a profile."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

CODE = "a-code"
_TOKEN = "a-token"


@dataclass
class Provider:
    """Its state: the person signed in there, and the challenge of the code it issued."""

    url: str = ""
    email: str = "ana@example.com"
    is_verified: bool = True
    shares_address: bool = True
    challenge: str = ""
    exchanges: list[dict[str, str]] = field(default_factory=list)

    def accepts(self, form: dict[str, str]) -> bool:
        """Return whether the code and its verifier are right (RFC 7636, S256)."""
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return form.get("code") == CODE and proof == self.challenge


@contextmanager
def running() -> Iterator[Provider]:
    """Run a provider for the block."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            provider.exchanges.append(form)
            if provider.accepts(form):
                self._answer({"access_token": _TOKEN, "token_type": "bearer"})
            else:
                self._answer({"error": "invalid_grant"}, status=400)

        def do_GET(self) -> None:
            if _TOKEN not in self.headers["Authorization"]:
                self._answer({"message": "Bad credentials"}, status=401)
            elif self.path.startswith("/user/emails"):
                address = {
                    "email": provider.email,
                    "verified": provider.is_verified,
                    "primary": True,
                }
                self._answer([address] if provider.shares_address else [])
            else:
                self._answer({"id": 7, "login": "ana", "name": "Ana"})

        def _answer(self, body: Any, *, status: int = 200) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
