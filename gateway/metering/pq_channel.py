"""The writer's connection on its event loop: one statement at a time, heard by callback.

psycopg's own asynchronous connection wakes a task for each answer. Under load that task queues
behind all that the event loop has to do, while the connection, which every other call waits for,
stands idle: a callback is run as soon as the loop sees the answer, and the next batch leaves with
it. It costs a third of the processor time, too.

psycopg connects in libpq's non-blocking mode: what does not fit into the socket stays with libpq
until `flush` returns 0, and `consume_input` flushes too. An answer is complete once `get_result`
returns None (libpq's "Asynchronous Command Processing").
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

_NAME = b"caicaini_writer"

Hear = Callable[[bytes | Exception], None]


class PqChannel:
    """`hear` gets the answer to what was asked, its single value as text, or an error; and, asked
    or not, one of psycopg's OperationalErrors when the connection breaks. After that, `close`.

    To be made and used on the event loop.
    """

    def __init__(self, connection: Connection[Any], *, hear: Hear) -> None:
        self._pgconn = connection.pgconn
        # A second descriptor: libpq closes its own as soon as it sees the connection break, and the
        # event loop would be left with a number that any thread may be given for something else.
        self._socket = os.dup(connection.fileno())
        self._hear = hear
        self._result: PGresult | None = None
        self._has_unsent = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    def ask(self, parameters: tuple[bytes, ...]) -> None:
        """Run the prepared statement; raises OperationalError on a broken connection."""
        self._pgconn.send_query_prepared(_NAME, parameters)
        self._send()

    def close(self) -> None:
        """Listen no more; the connection itself is not ours to close."""
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        os.close(self._socket)

    def _send(self) -> None:
        """Send what is there. A batch may be larger than the socket's buffer: the rest leaves when
        there is room."""
        has_unsent = bool(self._pgconn.flush())
        if has_unsent and not self._has_unsent:
            self._loop.add_writer(self._socket, self._send_rest)
        elif self._has_unsent and not has_unsent:
            self._loop.remove_writer(self._socket)
        self._has_unsent = has_unsent

    def _send_rest(self) -> None:
        try:
            self._send()
        except OperationalError as error:
            self._hear(error)

    def _read(self) -> None:
        try:
            answer = self._received()
        except OperationalError as error:
            self._hear(error)
        else:
            if answer is not None:
                self._hear(answer)

    def _received(self) -> bytes | Exception | None:
        """Return the answer once it is complete."""
        self._pgconn.consume_input()
        while True:
            if self._pgconn.is_busy():
                return None  # the rest is on its way
            if (result := self._pgconn.get_result()) is None:
                break
            self._result = result
        result, self._result = self._result, None
        if result is None:
            if self._pgconn.status == ConnStatus.BAD:  # what came was no message of the protocol
                raise OperationalError(self._pgconn.get_error_message())
            return None  # a notice, or a setting that was changed: nobody had asked
        return _answer_in(result)


def prepare(connection: Connection[Any], sql: bytes) -> None:
    """Have PostgreSQL parse what `Wire.ask` will run. Waits for it."""
    result = connection.pgconn.prepare(_NAME, sql)
    if isinstance(error := _answer_in(result), Exception):
        raise error


def _answer_in(result: PGresult) -> bytes | Exception:
    if result.status == ExecStatus.TUPLES_OK:
        return result.get_value(0, 0) or b""
    if result.status != ExecStatus.FATAL_ERROR:
        return b""
    error = error_from_result(result)
    if error.sqlstate is None:  # not PostgreSQL's words, but its library's: nobody answers
        raise OperationalError(str(error))
    return error
