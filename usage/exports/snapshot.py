"""An export in one snapshot: its totals first, then its rows as PostgreSQL writes them.

The rows are read in threads, a piece whenever the client is ready for one, so that an export of any
size takes little memory and no time of the event loop. A client that reads nothing for a minute, or
takes longer than half an hour, loses its export: its snapshot keeps dead rows from being removed.
"""

import asyncio
import os
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import msgspec
import psycopg
from django.db import connection
from psycopg import IsolationLevel

from usage.exports import tables
from usage.exports.tables import Format, Table

MOST_AT_ONCE = 2
_PIECE_BYTES = 64 * 1024
_LONGEST_SILENCE_S = 60
_LONGEST_S = 30 * 60
_CONNECT: dict[str, Any] = {
    "application_name": "caicaini-export",
    "client_encoding": "utf8",
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "options": f"-c statement_timeout={_LONGEST_S}s -c lock_timeout=2s",
}
_OF_DJANGO = {"cursor_factory", "context"}

_threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="export")
_running: Counter[int] = Counter()
_guard = threading.Lock()


class TooManyExportsError(Exception):
    """The workspace has an export running already, or the process has too many."""


class Export:
    """A running export: an iterable of its pieces, of which a response can be made. `close` must be
    called unless they are read to the end; a response does so, wherever its client has left."""

    def __init__(self, workspace_id: int, table: Table, format: Format) -> None:
        """Begin it: raises TooManyExportsError, or psycopg's OperationalError."""
        self._workspace_id = workspace_id
        self._format = format
        _enter(workspace_id)
        try:
            self._connection = psycopg.connect(**_parameters())
            self._handle = socket.socket(fileno=os.dup(self._connection.fileno()))
        except BaseException:
            _leave(workspace_id)
            raise
        self._is_closed = False
        self._reading = threading.Lock()  # a connection is not closed while a thread reads from it
        self._silence = self._timer(_LONGEST_SILENCE_S)
        self._end = self._timer(_LONGEST_S)
        try:
            self._connection.isolation_level = IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
            found = self._connection.execute(*table.totals).fetchone()
            self.rows: int = found[0] if found else 0
            self.credits: int = found[1] if found else 0
            self._pieces = self._read(table)
        except BaseException:
            self.close()
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the file in pieces; raises OperationalError when it was given up."""
        loop = asyncio.get_running_loop()
        try:
            while piece := await loop.run_in_executor(_threads, self._next):
                yield piece
                self._silence.cancel()
                self._silence = self._timer(_LONGEST_SILENCE_S)
        finally:
            self.give_up()

    def close(self) -> None:
        """Stop a thread that reads, and free the connection and the place."""
        self._cut()
        with _guard:
            if self._is_closed:
                return
            self._is_closed = True
        for timer in (self._silence, self._end):
            timer.cancel()
        with self._reading:
            self._connection.close()
            self._handle.close()
        _leave(self._workspace_id)

    def give_up(self) -> None:
        """Close without waiting for a thread that reads."""
        self._cut()
        _threads.submit(self.close)

    def _cut(self) -> None:
        with suppress(OSError):  # it is closed
            self._handle.shutdown(socket.SHUT_RDWR)

    def _next(self) -> bytes:
        with self._reading:
            return next(self._pieces, b"")

    def _read(self, table: Table) -> Iterator[bytes]:
        if self._format is Format.JSON_LINES:
            totals = {"rows": self.rows, "credits": self.credits}
            yield msgspec.json.encode(totals) + b"\n"
        self._connection.execute(tables.settings_of(table))
        statement = tables.copy_query(table, self._format)
        with self._connection.cursor() as cursor, cursor.copy(statement, table.parameters) as copy:
            piece = bytearray()
            for line in copy:
                piece += line
                if len(piece) >= _PIECE_BYTES:
                    yield bytes(piece)
                    piece.clear()
            if piece:
                yield bytes(piece)
        self._connection.rollback()

    def _timer(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, self.give_up)
        timer.daemon = True
        timer.start()
        return timer


def _parameters() -> dict[str, Any]:
    """Return what pages connect with, without what is Django's own."""
    pages = connection.get_connection_params()
    return {name: pages[name] for name in pages if name not in _OF_DJANGO} | _CONNECT


def _enter(workspace_id: int) -> None:
    with _guard:
        if _running[workspace_id] or _running.total() >= MOST_AT_ONCE:
            raise TooManyExportsError
        _running[workspace_id] += 1


def _leave(workspace_id: int) -> None:
    with _guard:
        _running[workspace_id] -= 1
        _running[workspace_id] or _running.pop(workspace_id)
