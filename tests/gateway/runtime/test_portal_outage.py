"""The portal of a web process whose PostgreSQL is unavailable, and its log meanwhile."""

import http.client
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import servers
from tests.support.callers import Answer, Caller
from tests.support.servers import WebServer
from tests.support.tcp_proxy import Cable
from tests.support.waiting import eventually

BROWSER = {"accept": "text/html,*/*;q=0.8", "cookie": "sessionid=somebody"}
PAGES = ("/developers/keys", "/developers/usage", "/accounts/login/", "/docs/quickstart", "/")


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
    env = {**gateway_env, "DATABASE_URL": cable_to_postgresql.url, "DATA_DIR": str(data_dir)}
    with servers.running(env=env, log=logs / f"{__name__}.log") as server:
        yield server


def opened(server: WebServer, path: str) -> Answer:
    return Caller(server.url, None).get(path, BROWSER)


def assert_is_outage(answer: Answer) -> None:
    assert answer.status == http.client.SERVICE_UNAVAILABLE
    assert int(answer.headers["retry-after"]) >= 1
    assert "Our database is unavailable" in answer.body.decode()


@pytest.mark.parametrize("path", PAGES)
def test_pages_say_that_the_database_is_unavailable_and_return_with_it(
    server: WebServer, cable: Cable, path: str
) -> None:
    before = opened(server, path).status
    assert before < http.client.BAD_REQUEST

    cable.pull_out()

    for _ in range(3):
        assert_is_outage(opened(server, path))

    cable.plug_in()

    eventually(lambda: opened(server, path).status == before, what="the page")


def test_pages_are_answered_while_postgresql_accepts_connections_and_does_not_answer(
    server: WebServer, cable: Cable
) -> None:
    opened(server, "/developers/keys")

    cable.freeze()

    for _ in range(3):
        assert_is_outage(opened(server, "/developers/keys"))
    cable.thaw()
    eventually(lambda: opened(server, "/developers/keys").status == 302, what="the page")


def test_an_outage_fills_no_log(server: WebServer, cable: Cable) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: opened(server, "/developers/keys"), range(16)))
        before = len(server.log())
        cable.pull_out()
        answers = list(pool.map(lambda _: opened(server, "/developers/keys"), range(200)))
        list(pool.map(lambda _: opened(server, "/readyz"), range(20)))
        eventually(lambda: server.log()[before:].count("left out") > 1, what="its later lines")
    cable.plug_in()
    eventually(lambda: opened(server, "/developers/keys").status == 302, what="the page")

    for answer in answers:
        assert_is_outage(answer)
    log = server.log()[before:]
    assert "Traceback" not in log
    repeated = re.findall(
        r"^.*(?:Service Unavailable|catalogue not refreshed|psycopg\.pool).*$", log, re.M
    )
    moments = [line.split(",")[0] for line in repeated]
    assert max(moments.count(moment) for moment in moments) <= 2  # written around the same second
