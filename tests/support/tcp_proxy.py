"""The cable between a gateway and its database, which a test can pull out and plug in again."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


class Cable:
    """Passes TCP on to the address of `url`; pulled out, it breaks what runs and refuses more."""

    def __init__(self, url: str) -> None:
        self._far_end = urlsplit(url)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._ends: set[socket.socket] = set()
        self._is_in = True
        self._last_words = b""
        port = self._socket.getsockname()[1]
        user = self._far_end.netloc.rpartition("@")[0]
        self.url = self._far_end._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()

    def pull_out(self) -> None:
        """Break every connection."""
        self._is_in = False
        for end in list(self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def plug_in(self) -> None:
        """Let connections through again."""
        self._is_in = True

    def break_after(self, words: bytes) -> None:
        """Break the next connection on which `words` are sent, once: they arrive and are obeyed,
        but the answer is lost."""
        self._last_words = words

    @contextlib.contextmanager
    def laid(self) -> Iterator["Cable"]:
        """Pass connections on for the length of the block."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self.pull_out()
            self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                if self._is_in:
                    far = socket.create_connection((self._far_end.hostname, self._far_end.port))
                    self._join(near, far)
                else:
                    near.close()

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        self._ends |= {near, far}
        if not self._is_in:  # it was pulled out while we connected
            self._part(near, far)
        doomed = threading.Event()
        for pass_on in (self._send, self._answer):
            threading.Thread(target=pass_on, args=[near, far, doomed], daemon=True).start()

    def _send(self, near: socket.socket, far: socket.socket, doomed: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                if self._last_words and self._last_words in data:
                    self._last_words = b""
                    doomed.set()
                far.sendall(data)
        self._part(near, far)

    def _answer(self, near: socket.socket, far: socket.socket, doomed: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while (data := far.recv(65536)) and not doomed.is_set():
                near.sendall(data)
        self._part(near, far)

    def _part(self, *ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            self._ends.discard(end)
