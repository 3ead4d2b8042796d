"""Requests sent byte by byte."""

import http.client
import socket

from embedded import ports
from tests.support.servers import WebServer


class Sender:
    """A connection that sends a request and reads its answer."""

    def __init__(self, server: WebServer) -> None:
        self._socket = socket.create_connection((ports.LOOPBACK, server.port), timeout=60)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def await_answer(self) -> None:
        """Wait for its first byte, which is left to be read."""
        self._socket.recv(1, socket.MSG_PEEK)

    def answer(self, method: str = "POST") -> http.client.HTTPResponse:
        """Read the answer to a request of that method."""
        answer = http.client.HTTPResponse(self._socket, method=method)
        answer.begin()
        return answer

    def close(self) -> None:
        self._socket.close()


def head(path: str, **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", "host: localhost", *lines, "", ""]).encode()
