"""/healthz and /readyz of a web process whose servers become unavailable, and a start without."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from embedded import ports
from tests.support import servers
from tests.support.callers import Caller
from tests.support.gateways import NewCustomer
from tests.support.replies import events, says, streams, wait
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.tcp_proxy import Cable
from tests.support.waiting import eventually

FAULTY_AFTER_S = 4
_GATEWAY = {"gateway_database", "ledger", "catalogue", "journal"}


@pytest.fixture(scope="module")
def cable_to_postgresql(gateway_env: dict[str, str]) -> Iterator[Cable]:
    with Cable(gateway_env["DATABASE_URL"]).laid() as cable:
        yield cable


@pytest.fixture
def cable(cable_to_postgresql: Cable) -> Iterator[Cable]:
    yield cable_to_postgresql
    cable_to_postgresql.plug_in()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(
    gateway_env: dict[str, str], cable_to_postgresql: Cable, logs: Path, data_dir: Path
) -> Iterator[WebServer]:
    """A web process whose connection to PostgreSQL can be cut."""
    env = {
        **gateway_env,
        "DATABASE_URL": cable_to_postgresql.url,
        "DATA_DIR": str(data_dir),
        "FAULTY_AFTER_S": str(FAULTY_AFTER_S),
    }
    with servers.running(env=env, log=logs / f"{__name__}.log") as server:
        yield server


def health(server: WebServer) -> int:
    return Caller(server.url, None).get("/healthz").status


def unready(server: WebServer) -> set[str]:
    """Return the names of the checks that /readyz reports as failed."""
    answer = Caller(server.url, None).get("/readyz")
    body = answer.json()
    failed = {name for name, result in body["checks"].items() if result != "ok"}
    assert (answer.status, body["status"]) == ((503, "not ready") if failed else (200, "ready"))
    return failed


def test_readiness_asks_the_gateway_too(server: WebServer) -> None:
    eventually(lambda: not unready(server), what="readiness")

    checks = Caller(server.url, None).get("/readyz").json()["checks"]

    assert checks.keys() == {"database", "migrations", "redis"} | _GATEWAY


def test_an_outage_of_postgresql_makes_a_process_unready_and_nothing_else(
    server: WebServer, cable: Cable
) -> None:
    cable.pull_out()

    # The catalogue is there, a little old; the journal is on the disk.
    wanted = {"database", "migrations", "gateway_database", "ledger"}
    eventually(lambda: wanted <= unready(server), what="the noticing of the outage")
    eventually(lambda: "catalogue" in unready(server), what="an old catalogue")
    assert "journal" not in unready(server)
    assert health(server) == 200

    cable.plug_in()

    eventually(lambda: not unready(server), what="readiness")


def test_readiness_answers_while_postgresql_accepts_connections_and_does_not_answer(
    server: WebServer, cable: Cable
) -> None:
    cable.freeze()

    failed = eventually(lambda: unready(server), what="an unready process")

    assert "database" in failed
    assert health(server) == 200
    cable.thaw()
    eventually(lambda: not unready(server), what="readiness")


def test_readiness_names_an_unavailable_redis(
    gateway_env: dict[str, str], logs: Path, tmp_path: Path
) -> None:
    nowhere = f"redis://{ports.LOOPBACK}:{ports.free_port()}/0"
    env = {**gateway_env, "REDIS_URL": nowhere, "DATA_DIR": str(tmp_path)}
    server = WebServer(env=env, log=logs / "without-redis.log")
    try:
        eventually(lambda: server.accepts() and unready(server) == {"redis"}, what="readiness")
        assert health(server) == 200
    finally:
        server.stop()


def test_readiness_names_a_journal_that_is_gone(server: WebServer, data_dir: Path) -> None:
    [journal] = (data_dir / "journal").glob("*.journal")
    elsewhere = journal.with_suffix(".moved")
    eventually(lambda: not unready(server), what="readiness")

    journal.rename(elsewhere)

    eventually(lambda: unready(server) == {"journal"}, what="the noticing")
    elsewhere.rename(journal)
    eventually(lambda: not unready(server), what="readiness")


def test_a_process_started_without_postgresql_serves_once_it_is_available(
    gateway_env: dict[str, str],
    cable: Cable,
    logs: Path,
    tmp_path: Path,
    new_customer: NewCustomer,
    upstream: ScriptedUpstream,
) -> None:
    cable.pull_out()
    env = {**gateway_env, "DATABASE_URL": cable.url, "DATA_DIR": str(tmp_path)}
    server = WebServer(env=env, log=logs / "started-without.log")
    try:
        eventually(server.accepts, what="the listener")
        customer = new_customer(url=server.url)
        script = upstream.script(says())
        assert customer.ask(script.prompt).status == 503
        assert _GATEWAY - {"journal"} <= unready(server)

        with psycopg.connect(gateway_env["DATABASE_URL"]) as other:
            other.execute("LOCK TABLE catalogue_cataloguesync")
            cable.plug_in()
            eventually(lambda: unready(server) == {"catalogue"}, what="all but the catalogue")
            assert customer.ask(script.prompt).status == 503  # the model is not known to be unknown

        eventually(lambda: customer.ask(script.prompt).status == 200, what="an answer")
        eventually(lambda: not unready(server), what="readiness")
        assert customer.caller.get("/v1/credits").status == 200
    finally:
        server.stop()


_END_HOLDER_OF_AWAITED_LOCK = """
SELECT pg_terminate_backend(held.pid)
FROM pg_locks AS held JOIN pg_locks AS awaited USING (locktype, classid, objid, objsubid)
WHERE locktype = 'advisory' AND held.granted AND NOT awaited.granted
"""


@contextmanager
def liveness_lock_taken(url: str, owner: int) -> Iterator[None]:
    """Take a process's lock: wait for it, then end the session that has it."""
    with psycopg.connect(url, autocommit=True) as taker, psycopg.connect(url) as other:
        with ThreadPoolExecutor(1) as thread:
            taken = thread.submit(taker.execute, "SELECT pg_advisory_lock(%s)", [owner])
            awaited = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            eventually(lambda: other.execute(awaited).fetchone(), what="the waiting")
            other.execute(_END_HOLDER_OF_AWAITED_LOCK)
            taken.result(60)
        yield


def test_a_process_that_cannot_recover_by_itself_is_to_be_restarted(
    server: WebServer, gateway_env: dict[str, str], data_dir: Path
) -> None:
    """Another session has its liveness lock, without which it makes no holds."""
    eventually(lambda: not unready(server), what="readiness")
    [journal] = (data_dir / "journal").glob("*.journal")

    with liveness_lock_taken(gateway_env["DATABASE_URL"], int(journal.stem)):
        eventually(lambda: health(server) == 503, within_s=300, what="the fault")
        answer = Caller(server.url, None).get("/healthz")

    assert answer.json() == {"status": "faulty", "checks": {"ledger": "does not work"}}
    eventually(lambda: health(server) == 200, what="its end")


def test_streams_end_exactly_over_an_outage_in_which_the_process_stays_alive(
    server: WebServer, cable: Cable, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(url=server.url)
    in_outage, later = (
        upstream.script(streams(*events()[:3], wait, *events()[3:])) for _ in range(2)
    )
    calls = [customer.begin(script.prompt, stream=True) for script in [in_outage] * 3 + [later] * 2]
    for call in calls:
        call.read_until("content_block_delta")

    cable.pull_out()
    until = time.monotonic() + 2 * FAULTY_AFTER_S
    while time.monotonic() < until:
        assert health(server) == 200
        time.sleep(0.2)
    in_outage.release(3)
    for call in calls[:3]:
        assert call.read_until("message_delta").data["usage"]["credits_consumed"] == 60
    cable.plug_in()
    later.release(2)

    for call in calls[3:]:
        assert call.read_until("message_delta").data["usage"]["credits_consumed"] == 60
    for call in calls:
        assert [event.kind for event in call.events()] == ["message_stop"]
    # To the other processes this one looked dead, so its holds were voided: it settles them late.
    eventually(lambda: customer.charges() == [60] * 5, what="the charges")
