"""The leader of two PostgreSQL servers ends, and gateway and portal continue on the other one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import conninfo as libpq
from pytest_django import DjangoDbBlocker

from billing.audit.report import audit
from tests.support import customers, gateway_database, people, scripted_catalogue, servers
from tests.support.callers import Answer, Caller
from tests.support.customers import Customer
from tests.support.own_postgres import OwnPostgres, own_postgres, served_by
from tests.support.replies import after_release, says
from tests.support.scripted_upstream import ScriptedUpstream, refusing_port
from tests.support.servers import WebServer
from tests.support.waiting import eventually

CHARGE = 60


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream().running() as running:
        yield running


@pytest.fixture
def leader(tmp_path: Path) -> Iterator[OwnPostgres]:
    (tmp_path / "leader").mkdir()
    with own_postgres(tmp_path / "leader") as running:
        yield running


@pytest.fixture
def standby(leader: OwnPostgres, tmp_path: Path) -> Iterator[OwnPostgres]:
    """A synchronous standby: the leader acknowledges a commit once it has the commit, too."""
    (tmp_path / "standby").mkdir()
    with (
        own_postgres(tmp_path / "standby", backup_of=leader, is_standby=True) as running,
        psycopg.connect(leader.url, autocommit=True) as asking,
    ):
        asking.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        asking.execute("SELECT pg_reload_conf()")

        def is_synchronous() -> bool:
            rows = asking.execute("SELECT sync_state FROM pg_stat_replication").fetchall()
            return rows == [("sync",)]

        eventually(is_synchronous, what="the standby's connection")
        yield running


@pytest.fixture
def env(
    leader: OwnPostgres, standby: OwnPostgres, upstream: ScriptedUpstream, tmp_path: Path
) -> dict[str, str]:
    """The environment of a process that knows both servers, the standby first."""
    catalogue = tmp_path / "catalogue.toml"
    with refusing_port() as place:
        text = scripted_catalogue.catalogue(
            upstream_url=upstream.url, dead_url=f"http://{place}", deaf_url=f"http://{place}"
        )
    catalogue.write_text(text)
    (tmp_path / "secret_key").write_text(settings.SECRET_KEY)  # our sessions are theirs
    found = {
        "DATABASE_URL": address_of(standby, leader),
        "CATALOGUE": str(catalogue),
        "DATA_DIR": str(tmp_path),
    }
    gateway_database.manage("migrate", "--no-input", env=found)
    gateway_database.manage("sync_catalogue", env=found)
    return found


def address_of(*several: OwnPostgres) -> str:
    """Return the address of whichever of them is the leader."""
    known = [libpq.conninfo_to_dict(server.url) for server in several]
    login = f"{known[0]['user']}:{known[0]['password']}"
    hosts = ",".join(f"{one['host']}:{one['port']}" for one in known)
    return f"postgresql://{login}@{hosts}/{known[0]['dbname']}?target_session_attrs=read-write"


@pytest.fixture
def web(env: dict[str, str], tmp_path: Path) -> Iterator[WebServer]:
    with servers.running(env=env, log=tmp_path / "web.log") as server:
        yield server


@pytest.fixture
def customer(
    web: WebServer, env: dict[str, str], django_db_blocker: DjangoDbBlocker
) -> Iterator[Customer]:
    with django_db_blocker.unblock(), served_by(env["DATABASE_URL"]):
        yield customers.sign_up(url=web.url, credits=1_000_000)


@contextmanager
def calling(customer: Customer, prompt: str) -> Iterator[list[Answer]]:
    """Make one call after another for the block; the answers are complete after it."""
    answers: list[Answer] = []
    stopping = threading.Event()

    def call() -> None:
        while not stopping.wait(0.02):
            answers.append(customer.ask(prompt))

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield answers
    finally:
        stopping.set()
        thread.join()


def usage_page(customer: Customer) -> int:
    """Return the status of the usage page, which its owner's browser asks for."""
    browser = people.browser_of(customer.owner)
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    return Caller(customer.url, None).get("/developers/usage", headers={"cookie": cookie}).status


@pytest.mark.parametrize("end", [OwnPostgres.kill, OwnPostgres.stop])
def test_calls_and_pages_continue_on_the_promoted_standby(
    end: Callable[[OwnPostgres], None],
    leader: OwnPostgres,
    standby: OwnPostgres,
    customer: Customer,
    upstream: ScriptedUpstream,
) -> None:
    quick = upstream.script(says())
    in_outage, later = (upstream.script(after_release(says())) for _ in range(2))
    assert usage_page(customer) == 200
    running = [customer.begin(in_outage.prompt), customer.begin(later.prompt, stream=True)]
    for script in (in_outage, later):
        script.wait_for_request()

    with calling(customer, quick.prompt) as answers:
        eventually(lambda: len(answers) >= 5, what="some calls")
        end(leader)
        eventually(lambda: answers[-1].status == 503, what="the outage")
        in_outage.release()
        assert running[0].answer().json()["usage"]["credits_consumed"] == CHARGE
        standby.promote()
        eventually(lambda: answers[-1].status == 200, what="calls on the new leader")
        eventually(lambda: usage_page(customer) == 200, what="a page on the new leader")
    later.release()

    assert running[1].answer().transcript.usage["credits_consumed"] == CHARGE
    assert {answer.status for answer in answers} == {200, 503}
    acknowledged = 2 + sum(answer.status == 200 for answer in answers)
    customer.wait_until_settled()
    assert customer.charges() == [CHARGE] * acknowledged
    assert audit().findings == []
