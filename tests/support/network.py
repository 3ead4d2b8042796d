"""The network between a process and PostgreSQL: working, disconnected or silent."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

from psycopg import conninfo as libpq

_CHUNK = 65536
_STATEMENT = b"caicaini_writer"  # as a batch names it
_NOTICE = b"SNOTICE\0C00000\0Mbefore the end\0\0"
_NOTICE_MESSAGE = b"N" + struct.pack("!i", 4 + len(_NOTICE)) + _NOTICE
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Network:
    """A TCP proxy on a port of its own."""

    def __init__(self, database_url: str) -> None:
        target = libpq.conninfo_to_dict(database_url)
        self._target = (str(target["host"]), int(str(target["port"])))
        self._is_waiting_for_batch = False
        self._is_holding_batch_back = False
        self._is_waiting_to_garble = False
        self._garbled: socket.socket | None = None  # from which the batch came
        self._is_waiting_to_lose: str | None = None
        self._lost: set[socket.socket] = set()  # everything that these send is lost
        self._requests = threading.Event()
        self._answers = threading.Event()
        self._late: list[threading.Event] = []
        self._sockets: list[socket.socket] = []
        self._listener = _listen(0)
        self._port = self._listener.getsockname()[1]
        self._accept_on(self._listener)
        self.recover()
        self.url = libpq.make_conninfo(database_url, host="127.0.0.1", port=self._port)

    def swallow(self) -> None:
        """Deliver nothing in either direction, without an error. Everything swallowed arrives once
        the network has recovered."""
        self._requests.clear()
        self._answers.clear()

    def swallow_next_answer(self) -> None:
        """Swallow everything from the next batch on: the batch arrives, its answer does not."""
        self._is_waiting_for_batch = True

    def swallow_within_next_batch(self) -> None:
        """Swallow everything from the middle of the next batch on: only its beginning arrives."""
        self._is_holding_batch_back = True

    def lose_next(self, part: str) -> None:
        """Lose the next "batch", or its "answer", and all that follows on that connection. It stays
        open, and all other connections work."""
        self._is_waiting_to_lose = part

    def reset_after_notice(self) -> None:
        """Send each process a NOTICE and a TCP reset, as PostgreSQL does in a fast shutdown."""
        ends, self._sockets = self._sockets, []
        for client, server in zip(ends[::2], ends[1::2], strict=True):
            with contextlib.suppress(OSError):
                # Without the delay, or the reset would discard a message that still waits.
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.sendall(_NOTICE_MESSAGE)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                client.shutdown(socket.SHUT_RD)  # no packet, but it wakes the thread that reads
            client.close()
            self._break(server)

    def delay(self) -> None:
        """Delay all packets of the present connections until `deliver` is called; new connections
        work meanwhile. Retransmitted packets are late by seconds."""
        self._late = [self._requests, self._answers]
        self.swallow()
        self._requests, self._answers = threading.Event(), threading.Event()
        self.recover()

    def deliver(self) -> None:
        """Deliver the delayed packets."""
        for flowing in self._late:
            flowing.set()

    def garble_next_answer(self) -> None:
        """Deliver the next batch, and replace its answer with zeros."""
        self._is_waiting_to_garble = True

    def disconnect(self) -> None:
        """Break all connections and refuse new ones."""
        self._break(self._listener)
        self._listener.close()
        self._break(*self._sockets)
        self._sockets = []

    def recover(self) -> None:
        """Work again."""
        self._requests.set()
        self._answers.set()
        if self._listener.fileno() < 0:
            self._listener = _listen(self._port)
            self._accept_on(self._listener)

    def close(self) -> None:
        """End the proxy."""
        self.disconnect()
        self.deliver()
        self._requests.set()
        self._answers.set()

    def _break(self, *ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # close alone does not wake a thread that reads

    def _accept_on(self, listener: socket.socket) -> None:
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                if listener.fileno() < 0:  # it was disconnected while we connected
                    self._break(client, server)
                for pump in (
                    [client, server, self._requests],
                    [server, client, self._answers],
                ):
                    threading.Thread(target=self._pump, args=pump, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, flowing: threading.Event) -> None:
        """Pass bytes on until one side closes; bytes sent before that still arrive."""
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                if self._is_waiting_for_batch and _STATEMENT in data:
                    self._is_waiting_for_batch = False
                    self._answers.clear()
                if self._is_holding_batch_back and _STATEMENT in data:
                    self._is_holding_batch_back = False
                    self.swallow()
                    before, name, after = data.partition(_STATEMENT)
                    sink.sendall(before)
                    data = name + after
                if self._is_waiting_to_lose and _STATEMENT in data:
                    self._lost.add(source if self._is_waiting_to_lose == "batch" else sink)
                    self._is_waiting_to_lose = None
                if source in self._lost:
                    continue
                if self._is_waiting_to_garble and _STATEMENT in data:
                    self._is_waiting_to_garble, self._garbled = False, source
                elif sink is self._garbled:
                    self._garbled = None
                    data = bytes(len(data))
                flowing.wait()
                sink.sendall(data)
        flowing.wait()
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


@contextlib.contextmanager
def network_to(database_url: str) -> Iterator[Network]:
    """A working network for the block."""
    network = Network(database_url)
    try:
        yield network
    finally:
        network.close()
