"""The writer's connection on its event loop: one statement at a time, answered by callback.

psycopg's asynchronous connection wakes a task for each answer. Under load that task queues behind
everything else that the event loop has to do, while the connection that every other call waits for
idles. A callback runs as soon as the loop sees the answer, and sends the next batch at once. It
also takes a third less processor time.

psycopg connects in libpq's non-blocking mode: bytes that do not fit into the socket stay with libpq
until `flush` returns 0, and `consume_input` flushes too. An answer is complete once `get_result`
returns None (libpq's "Asynchronous Command Processing").

The socket alone does not tell that an answer will never come: PostgreSQL's session may hang, or a
proxy lose it, while the connection stays open. So the channel also counts how long it has waited.
"""

import asyncio
import os
import select
from collections.abc import Callable
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

from gateway.metering.bounded_connection import NO_ANSWER_TURNS

_NAME = "caicaini_writer"
_TURN_S = 0.1


class PqChannel:
    """Calls `on_answer` with the statement's single value as text, or with an error.

    When the connection breaks, `on_answer` gets one of psycopg's OperationalErrors, whether or not
    a statement was sent; also when a statement has no answer after NO_ANSWER_TURNS. After that,
    call `close`. To be made and used on the event loop.
    """

    def __init__(
        self, connection: Connection[Any], *, on_answer: Callable[[bytes | Exception], None]
    ) -> None:
        self._pgconn = connection.pgconn
        # A second descriptor: libpq closes its own as soon as it sees the connection break, and the
        # event loop would go on watching a number that another thread's file may get.
        self._socket = os.dup(connection.fileno())
        self._on_answer = on_answer
        self._result: PGresult | None = None
        self._has_unsent = False
        self._is_closed = False
        self._is_waiting = False
        self._turns = 0  # of the event loop since the statement was sent
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)
        self._loop.add_reader(self._socket, self._read)

    def send(self, parameters: tuple[bytes, ...]) -> None:
        """Run the prepared statement; raises OperationalError on a broken connection."""
        self._pgconn.send_query_prepared(_NAME.encode(), parameters)
        self._flush()
        self._begin_wait()

    def close(self) -> None:
        """Stop reading and writing; the connection itself is the caller's to close."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        os.close(self._socket)

    def _flush(self) -> None:
        """Send what fits. A batch may be larger than the socket's buffer: the rest is sent when
        there is room."""
        has_unsent = bool(self._pgconn.flush())
        if has_unsent and not self._has_unsent:
            self._loop.add_writer(self._socket, self._flush_rest)
        elif self._has_unsent and not has_unsent:
            self._loop.remove_writer(self._socket)
        self._has_unsent = has_unsent

    def _flush_rest(self) -> None:
        try:
            self._flush()
        except OperationalError as error:
            self._answer(error)

    def _begin_wait(self) -> None:
        self._is_waiting = True
        self._turns = 0
        if self._timer is None:
            self._timer = self._loop.call_later(_TURN_S, self._turn)

    def _turn(self) -> None:
        """Count a turn of the wait. One timer serves many statements: they are short and many."""
        self._timer = None
        if not self._is_waiting:
            return
        self._turns += 1
        if self._turns > NO_ANSWER_TURNS:
            self._answer(OperationalError("PostgreSQL did not answer a statement in time"))
        else:
            self._timer = self._loop.call_later(_TURN_S, self._turn)

    def _read(self) -> None:
        """Read once, and again at the loop's next iteration until nothing is left.

        The event loop alone is not enough: when a reset follows the data, uvloop calls a reader
        once and then watches the socket no more, so the connection's end would go unnoticed.
        """
        if self._is_closed:  # since the iteration before
            return
        try:
            answer = self._received()
        except OperationalError as error:
            self._answer(error)
            return
        if answer is not None:
            self._answer(answer)
        if not self._is_closed and self._poller.poll(0):
            self._loop.call_soon(self._read)

    def _answer(self, answer: bytes | Exception) -> None:
        self._is_waiting = False
        self._on_answer(answer)

    def _received(self) -> bytes | Exception | None:
        """Return the answer once it is complete."""
        self._pgconn.consume_input()
        while True:
            if self._pgconn.is_busy():
                return None  # incomplete
            if (result := self._pgconn.get_result()) is None:
                break
            self._result = result
        result, self._result = self._result, None
        if result is None:
            if self._pgconn.status == ConnStatus.BAD:  # not a message of the protocol
                raise OperationalError(self._pgconn.get_error_message())
            return None  # a notice, or a changed setting, without a statement
        return _answer_in(result)


def prepare(connection: Connection[Any], sql: bytes) -> None:
    """Prepare the statement that `PqChannel.send` runs. Blocks."""
    connection.execute(f"PREPARE {_NAME} AS {sql.decode()}")


def _answer_in(result: PGresult) -> bytes | Exception:
    if result.status == ExecStatus.TUPLES_OK:
        return result.get_value(0, 0) or b""
    if result.status != ExecStatus.FATAL_ERROR:
        return b""
    error = error_from_result(result)
    if error.sqlstate is None:  # from libpq, not PostgreSQL: no answer will come
        raise OperationalError(str(error))
    return error
