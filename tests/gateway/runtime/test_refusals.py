"""Each refused call is counted in a record, however many there are and whatever happens."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import redis.asyncio as redis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from psycopg_pool import AsyncConnectionPool

from accounts.models import Workspace
from billing.models import Source
from gateway.call import Caller, Labels
from gateway.errors import GatewayError, InvalidRequest, RateLimited, UpstreamRefused
from gateway.runtime.refusal_rows import ROWS_A_MINUTE, RefusalRows
from gateway.runtime.refusals import MOST_SINGLES, MOST_SUMS, Refusals
from tests.support import people
from tests.support.roll_ups import sums_of
from tests.support.scripted_upstream import refusing_port
from usage import roll_up
from usage.models import RequestRecord

pytestmark = pytest.mark.django_db(transaction=True)
Pool = AsyncConnectionPool[Any]


@pytest.fixture
def workspace() -> Workspace:
    return people.workspace_of(people.new_person())


@pytest.fixture
async def pool(workspace: Workspace) -> AsyncIterator[Pool]:
    """Connections to the test's database; they end with the test."""
    conninfo = psycopg.conninfo.make_conninfo(
        **{
            name: value
            for name, value in connection.get_connection_params().items()
            if name in ("host", "port", "user", "password", "dbname")
        }
    )
    async with AsyncConnectionPool(conninfo, min_size=1, max_size=2, timeout=5) as opened:
        yield opened


@pytest.fixture
async def rows() -> AsyncIterator[RefusalRows]:
    """Rows that no earlier run has taken: ids of workspaces begin again with each database."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    async for key in client.scan_iter("refusals:*"):
        await client.delete(key)
    yield RefusalRows(client)
    await client.aclose()


class Clock:
    """The gateway's clock; it moves only when it is set."""

    now = 60_000_000.0

    def __call__(self) -> float:
        return self.now


def caller_of(workspace: Workspace, key_id: int | None = 7, **fields: Any) -> Caller:
    return Caller(workspace.pk, Source.API, key_id=key_id, **fields)


def refuse(
    noted: Refusals, caller: Caller, error: GatewayError | None = None, times: int = 1
) -> None:
    for _ in range(times):
        noted.note(caller, uuid.uuid4(), error or RateLimited("too many", retry_after_s=1))


@sync_to_async
def records(workspace: Workspace) -> list[RequestRecord]:
    try:
        return list(RequestRecord.objects.filter(workspace=workspace).order_by("refusals", "id"))
    finally:
        connection.close()  # this thread's own


@sync_to_async
def rolled_up(workspace: Workspace) -> dict[str, int]:
    try:
        roll_up.roll_up()
        return sums_of(workspace)
    finally:
        connection.close()


def counted(rows: list[RequestRecord]) -> int:
    return sum(row.refusals or 1 for row in rows)


async def test_a_refusal_is_a_record_that_cost_nothing(
    workspace: Workspace, pool: Pool, rows: RefusalRows
) -> None:
    noted = Refusals(pool, rows, clock=Clock())
    labels = Labels(tags=("a", "b"), session_id="s", user_label="u")
    refuse(noted, caller_of(workspace, labels=labels), InvalidRequest("no", path="messages"))

    await noted.flush()

    [row] = await records(workspace)
    assert (row.status, row.error_type, row.error_code) == (
        400,
        "invalid_request_error",
        "invalid_request",
    )
    assert (row.error_message, row.ending, row.refusals) == ("messages: no", "refused", None)
    assert (row.credits, row.lost_credits, row.price_id, row.lines) == (0, 0, None, None)
    assert (row.tags, row.session_id, row.user_label) == (["a", "b"], "s", "u")
    assert noted.queued == 0


async def test_an_error_is_recorded_once(
    workspace: Workspace, pool: Pool, rows: RefusalRows
) -> None:
    noted = Refusals(pool, rows, clock=Clock())
    error = InvalidRequest("no")
    refuse(noted, caller_of(workspace), error, times=3)

    await noted.flush()

    assert len(await records(workspace)) == 1


async def test_further_refusals_are_one_record_with_their_count(
    workspace: Workspace, pool: Pool, rows: RefusalRows
) -> None:
    noted = Refusals(pool, rows, clock=Clock())
    refuse(noted, caller_of(workspace), times=ROWS_A_MINUTE + 5)
    await noted.flush()
    refuse(noted, caller_of(workspace), times=100)
    refuse(noted, caller_of(workspace, key_id=8), times=2)
    await noted.flush()

    written = await records(workspace)
    assert [row.refusals for row in written if row.refusals] == [105]
    assert len(written) == ROWS_A_MINUTE + 1 + 2
    sums = await rolled_up(workspace)
    assert (sums["requests"], sums["refusals"], sums["errors"]) == (167, 167, 167)


async def test_all_processes_together_write_so_many_rows_a_minute(
    workspace: Workspace, pool: Pool, rows: RefusalRows
) -> None:
    """And each of them one more, for all further refusals that it has counted."""
    processes = [Refusals(pool, rows, clock=Clock()) for _ in range(4)]
    for number, noted in enumerate(processes):
        refuse(noted, caller_of(workspace), times=25 + number)
    await asyncio.gather(*(noted.flush() for noted in processes))
    for noted in processes:
        refuse(noted, caller_of(workspace), times=50)
        await noted.flush()

    written = await records(workspace)
    assert [row.refusals for row in written].count(None) == ROWS_A_MINUTE
    assert len(written) <= ROWS_A_MINUTE + len(processes)
    assert counted(written) == 4 * 50 + 25 + 26 + 27 + 28
    assert (await rolled_up(workspace))["refusals"] == counted(written)


async def test_without_redis_each_process_keeps_to_the_limit(
    workspace: Workspace, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing_port() as place:
        nobody = redis.Redis.from_url(f"redis://{place}")
        noted = Refusals(pool, RefusalRows(nobody), clock=Clock())
        for _ in range(2):
            refuse(noted, caller_of(workspace), times=ROWS_A_MINUTE)
            await noted.flush()
        await nobody.aclose()

    written = await records(workspace)
    assert len(written) == ROWS_A_MINUTE + 1
    assert counted(written) == 2 * ROWS_A_MINUTE
    assert caplog.text.count("Redis unavailable") == 1


async def test_the_next_minute_begins_anew(
    workspace: Workspace, pool: Pool, rows: RefusalRows
) -> None:
    clock = Clock()
    noted = Refusals(pool, rows, clock=clock)
    refuse(noted, caller_of(workspace), times=ROWS_A_MINUTE + 1)
    clock.now += 60
    refuse(noted, caller_of(workspace))
    await noted.flush()
    assert len(noted._groups) == 1

    written = await records(workspace)
    assert [row.refusals for row in written].count(None) == ROWS_A_MINUTE + 1


async def test_what_cannot_be_written_is_written_later_and_counted_once(
    workspace: Workspace, pool: Pool, rows: RefusalRows
) -> None:
    """Also when the database committed, and its answer was lost."""
    noted = Refusals(_Failing(pool, after_commit=True), rows, clock=Clock())
    refuse(noted, caller_of(workspace), times=ROWS_A_MINUTE + 10)
    await noted.flush()
    assert noted.queued == ROWS_A_MINUTE + 1
    assert counted(await records(workspace)) == ROWS_A_MINUTE + 10

    noted._pool = pool
    refuse(noted, caller_of(workspace), times=3)
    await noted.flush()

    assert counted(await records(workspace)) == ROWS_A_MINUTE + 13
    assert noted.queued == 0


async def test_while_the_database_is_unavailable_the_queue_is_bounded_and_counts_stay_exact(
    workspace: Workspace, pool: Pool, rows: RefusalRows
) -> None:
    noted = Refusals(_Failing(pool), rows, clock=Clock())
    keys = 40
    for key_id in range(keys):
        refuse(noted, caller_of(workspace, key_id=key_id), times=50)
        await noted.flush()
        assert noted.queued <= MOST_SINGLES + MOST_SUMS

    noted._pool = pool
    await noted.flush()

    assert counted(await records(workspace)) == keys * 50


async def test_refusals_beyond_the_bound_are_counted_with_the_same_caller_or_logged(
    workspace: Workspace, pool: Pool, rows: RefusalRows, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    noted = Refusals(_Failing(pool), rows, clock=clock, most_singles=2, most_sums=2)
    for key_id in (1, 2):
        refuse(noted, caller_of(workspace, key_id=key_id), times=3)
    clock.now += 60
    refuse(noted, caller_of(workspace, key_id=1), times=5)
    refuse(noted, caller_of(workspace, key_id=3), times=4)
    assert noted.queued <= 4

    noted._pool = pool
    await noted.flush()

    assert counted(await records(workspace)) == 6 + 5
    assert "4 refused calls have no record" in caplog.text


async def test_a_process_that_ends_writes_what_is_queued(
    workspace: Workspace, pool: Pool, rows: RefusalRows
) -> None:
    noted = Refusals(pool, rows, clock=Clock())
    writing = asyncio.create_task(noted.write())
    await asyncio.sleep(0)
    refuse(noted, caller_of(workspace), times=5)
    writing.cancel()
    await noted.flush()

    assert counted(await records(workspace)) == 5


async def test_an_upstream_s_words_are_not_kept_because_they_may_quote_the_prompt(
    workspace: Workspace, pool: Pool, rows: RefusalRows
) -> None:
    noted = Refusals(pool, rows, clock=Clock())
    refuse(noted, caller_of(workspace), UpstreamRefused("cannot read my secret"))
    refuse(noted, caller_of(workspace), InvalidRequest("m\0" * 5_000))
    await noted.flush()

    messages = {row.error_message for row in await records(workspace)}
    assert not any("secret" in message for message in messages)
    assert "m\ufffd" * 250 in messages


class _Failing:
    """A pool whose connections break: before the statement, or after it was committed."""

    def __init__(self, pool: Pool, *, after_commit: bool = False) -> None:
        self._pool = pool
        self._after_commit = after_commit

    def connection(self) -> "_Failing":
        return self

    async def __aenter__(self) -> Any:
        if not self._after_commit:
            raise psycopg.OperationalError("no connection")
        self._lent = self._pool.connection()
        return await self._lent.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self._lent.__aexit__(None, None, None)
        raise psycopg.OperationalError("the connection broke")
