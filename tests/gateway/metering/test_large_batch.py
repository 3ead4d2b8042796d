"""A batch that is larger than the socket's buffer is sent in parts."""

import asyncio
import os
import signal
import socket

from gateway.metering import apply_call
from gateway.metering.connections import connect
from gateway.metering.pq_channel import PqChannel, prepare
from tests.support.books import Books, database_url


def test_the_rest_is_sent_once_postgresql_reads_on(books: Books) -> None:
    settles = [books.call(10).settle(3, route="r" * 500) for _ in range(apply_call.LARGEST_BATCH)]
    with connect(database_url(), name="test") as connection:
        prepare(connection, apply_call.APPLY)
        with socket.socket(fileno=os.dup(connection.fileno())) as handle:
            handle.setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, 1
            )  # the kernel rounds it up to its minimum

        async def send_and_receive() -> bytes | Exception:
            answer: asyncio.Future[bytes | Exception] = asyncio.get_running_loop().create_future()
            channel = PqChannel(connection, on_answer=answer.set_result)
            backend = connection.info.backend_pid
            os.kill(backend, signal.SIGSTOP)
            try:
                channel.send(apply_call.parameters(settles, owner=1))
            finally:
                os.kill(backend, signal.SIGCONT)
            try:
                return await asyncio.wait_for(answer, 30)
            finally:
                channel.close()

        received = asyncio.run(send_and_receive())

    assert isinstance(received, bytes)
    assert len(apply_call.outcomes(received, len(settles))) == len(settles)
