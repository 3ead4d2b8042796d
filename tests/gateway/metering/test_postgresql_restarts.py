"""PostgreSQL is restarted under a web process with many calls: every call gets an answer."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from billing.audit.report import audit
from tests.support import customers, gateway_database, servers
from tests.support.customers import Customer
from tests.support.own_postgres import OwnPostgres, own_postgres, served_by
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually

RESTARTS = 5
CALLERS = 12


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    """A server of its own, which the test restarts."""
    with own_postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture
def customer(
    server: OwnPostgres,
    gateway_env: dict[str, str],
    tmp_path: Path,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Customer]:
    """A customer of a web server on that PostgreSQL."""
    env = {**gateway_env, "DATABASE_URL": server.url, "DATA_DIR": str(tmp_path)}
    gateway_database.manage("migrate", "--no-input", env=env)
    gateway_database.manage("sync_catalogue", env=env)
    with (
        servers.running(env=env, log=tmp_path / "gateway.log") as gateway,
        django_db_blocker.unblock(),
        served_by(server.url),
    ):
        yield customers.sign_up(url=gateway.url, credits=100_000_000)


def test_every_call_gets_an_answer(
    server: OwnPostgres, customer: Customer, upstream: ScriptedUpstream
) -> None:
    prompt = upstream.script(says()).prompt
    ended = threading.Event()

    def call_on() -> Counter[int]:
        """A call without an answer raises TimeoutError."""
        statuses: Counter[int] = Counter()
        while not ended.is_set():
            status = customer.ask(prompt).status
            statuses[status] += 1
            ended.wait(0.01 if status == 200 else 0.1)
        return statuses

    with ThreadPoolExecutor(CALLERS) as callers:
        calling = [callers.submit(call_on) for _ in range(CALLERS)]
        try:
            for _ in range(RESTARTS):
                eventually(lambda: customer.ask(prompt).status == 200, what="a call's success")
                server.stop()
                server.start()
        finally:
            ended.set()
        statuses = sum((caller.result(200) for caller in calling), Counter[int]())

    assert set(statuses) <= {200, 503}
    eventually(lambda: customer.ask(prompt).status == 200, what="a call's success")
    customer.wait_until_settled()
    assert len(customer.charges()) > statuses[200]
    assert audit().is_ok
