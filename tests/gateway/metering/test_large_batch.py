"""A batch that is larger than the socket's buffers leaves in parts, as there is room."""

import asyncio
import os
import signal
import socket

from gateway.metering import apply_call
from gateway.metering.connections import connect
from gateway.metering.pq_channel import PqChannel, prepare
from tests.support.books import Books, database_url


def test_the_rest_follows_once_postgresql_reads_on(books: Books) -> None:
    ends = [books.call(10).settle(3, route="r" * 500) for _ in range(apply_call.LARGEST_BATCH)]
    with connect(database_url(), name="test") as connection:
        prepare(connection, apply_call.APPLY)
        with socket.socket(fileno=os.dup(connection.fileno())) as handle:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the least there is

        async def asked() -> bytes | Exception:
            answer: asyncio.Future[bytes | Exception] = asyncio.get_running_loop().create_future()
            wire = PqChannel(connection, hear=answer.set_result)
            backend = connection.info.backend_pid
            os.kill(backend, signal.SIGSTOP)
            try:
                wire.ask(apply_call.parameters(ends, owner=1))
            finally:
                os.kill(backend, signal.SIGCONT)
            try:
                return await asyncio.wait_for(answer, 30)
            finally:
                wire.close()

        said = asyncio.run(asked())

    assert isinstance(said, bytes)
    assert len(apply_call.outcomes(said, len(ends))) == len(ends)
