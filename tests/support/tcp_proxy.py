"""A TCP proxy before a server, which a test can cut and restore, and listen in on."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit


class Cable:
    """Forwards TCP to the address of `url`; while pulled out, it refuses all connections.

    `on_answer` receives what the server sends, before it is forwarded.
    """

    def __init__(self, url: str, *, on_answer: Callable[[bytes], None] | None = None) -> None:
        self._on_answer = on_answer
        self._far_end = urlsplit(url)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._ends: set[socket.socket] = set()
        self._is_plugged_in = True
        self._break_after = b""
        self._flows = threading.Event()
        self._flows.set()
        port = self._socket.getsockname()[1]
        user, at, _ = self._far_end.netloc.rpartition("@")
        self.url = self._far_end._replace(netloc=f"{user}{at}127.0.0.1:{port}").geturl()

    def pull_out(self) -> None:
        """Close every connection and refuse new ones."""
        self._is_plugged_in = False
        for end in list(self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def plug_in(self) -> None:
        """Forward connections again."""
        self._is_plugged_in = True
        self._flows.set()

    def freeze(self) -> None:
        """Forward nothing: connections stay open and new ones are accepted, without an answer."""
        self._flows.clear()

    def thaw(self) -> None:
        """Forward again, beginning with everything sent meanwhile."""
        self._flows.set()

    def break_after(self, words: bytes) -> None:
        """Close the next connection on which `words` are sent, once: the server receives them, but
        its answer is lost."""
        self._break_after = words

    @contextlib.contextmanager
    def laid(self) -> Iterator["Cable"]:
        """Forward connections during the block."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self.thaw()
            self.pull_out()
            self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                if self._is_plugged_in:
                    far = socket.create_connection((self._far_end.hostname, self._far_end.port))
                    self._connect(near, far)
                else:
                    near.close()

    def _connect(self, near: socket.socket, far: socket.socket) -> None:
        self._ends |= {near, far}
        if not self._is_plugged_in:  # it was pulled out while we connected
            self._close(near, far)
        breaks = threading.Event()
        for forward in (self._send, self._answer):
            threading.Thread(target=forward, args=[near, far, breaks], daemon=True).start()

    def _send(self, near: socket.socket, far: socket.socket, breaks: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                self._flows.wait()
                if self._break_after and self._break_after in data:
                    self._break_after = b""
                    breaks.set()
                far.sendall(data)
        self._close(near, far)

    def _answer(self, near: socket.socket, far: socket.socket, breaks: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while (data := far.recv(65536)) and not breaks.is_set():
                self._flows.wait()
                if self._on_answer is not None:
                    self._on_answer(data)
                near.sendall(data)
        self._close(near, far)

    def _close(self, *ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            self._ends.discard(end)
