"""Real gateways on a real database, with a scripted upstream behind them.

These tests use neither `db` nor `transactional_db`: each makes customers of its own and undoes
nothing. When it ends, its customers must have no open hold and the books must be right.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from billing.audit.report import audit
from tests.support import customers, gateway_database, scripted_catalogue, servers
from tests.support.api_description import Description
from tests.support.callers import Caller
from tests.support.customers import Customer
from tests.support.scripted_upstream import ScriptedUpstream, refusing_port, unaccepting_listener
from tests.support.servers import WebServer

NewCustomer = Callable[..., Customer]
StartGateway = Callable[..., WebServer]


class Auditor:
    """Audits the books again and again. As in production, each audit continues the one before:
    after hundreds of tests, reading all rows would take longer than the next test."""

    def __init__(self) -> None:
        self._covered_until: datetime | None = None

    def audit(self) -> None:
        """Fail unless every rule is kept by the rows that are new, and by all wallets."""
        report = audit(since=self._covered_until)
        assert report.findings == []
        self._covered_until = report.covered_until


@pytest.fixture(scope="session")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream().running() as running:
        yield running


@pytest.fixture(scope="session")
def gateway_env(
    upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The environment of every gateway, on a database with our catalogue in it."""
    catalogue = tmp_path_factory.mktemp("catalogue") / "catalogue.toml"
    with (
        gateway_database.fresh() as url,
        unaccepting_listener() as deaf_url,
        refusing_port() as place,
    ):
        catalogue.write_text(
            scripted_catalogue.catalogue(
                upstream_url=upstream.url, dead_url=f"http://{place}", deaf_url=deaf_url
            )
        )
        env = {
            "DATABASE_URL": url,
            "CATALOGUE": str(catalogue),
            "DRAIN_WINDOW_S": "4",
            "RATE_LIMITS": "requests=100000,input_tokens=1000000000",
            # Tests share their upstreams: the failures of one must not close them to the next.
            "UPSTREAM_FAILURES_TO_OPEN": "0",
        }
        gateway_database.manage("migrate", "--no-input", env=env)
        gateway_database.manage("sync_catalogue", env=env)
        yield env


@pytest.fixture(scope="session")
def gateways(
    gateway_env: dict[str, str], upstream: ScriptedUpstream, logs: Path
) -> Iterator[dict[str, WebServer]]:
    """The gateways that live as long as the tests, started side by side.

    One as it is shipped, a twin on the same books, and one that takes small bodies and has the
    scripted upstream in the place of the embedded model. All keep to the deadlines as they are
    shipped, which no machine is too slow for. Of the other two each call runs out of time: at once,
    or once the beginning of its answer has had the time to arrive.
    """
    wanted = {
        "first": {},
        "twin": {},
        "small": {"MAX_BODY_BYTES": "10000", "EMBEDDED_MODEL_URL": upstream.url},
        "impatient": {
            "UPSTREAM_CONNECT_TIMEOUT_S": "0.5",
            "UPSTREAM_FIRST_BYTE_TIMEOUT_S": "1",
            "UPSTREAM_IDLE_TIMEOUT_S": "1",
            "UPSTREAM_TOTAL_TIMEOUT_S": "3",
        },
        "hasty": {"UPSTREAM_IDLE_TIMEOUT_S": "3", "UPSTREAM_TOTAL_TIMEOUT_S": "6"},
    }
    with ExitStack() as stack:
        started = {}
        for name, env in wanted.items():
            started[name] = WebServer(env={**gateway_env, **env}, log=logs / f"{name}.log")
            stack.callback(started[name].stop)
        for server in started.values():
            server.await_ready()
        yield started


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateways")


@pytest.fixture(scope="session")
def description(gateways: dict[str, WebServer]) -> Description:
    """What the gateways say of themselves."""
    return Description(Caller(gateways["first"].url, None).get("/openapi.json").json())


@pytest.fixture
def gateway(gateways: dict[str, WebServer]) -> WebServer:
    return gateways["first"]


@pytest.fixture
def twin(gateways: dict[str, WebServer]) -> WebServer:
    """A second process beside `gateway`, on the same database."""
    return gateways["twin"]


@pytest.fixture
def small(gateways: dict[str, WebServer]) -> WebServer:
    return gateways["small"]


@pytest.fixture
def start_gateway(
    gateway_env: dict[str, str], logs: Path, request: pytest.FixtureRequest
) -> Iterator[StartGateway]:
    """Start a gateway that the test may kill; keyword arguments are its environment."""
    with ExitStack() as stack:

        def start(**env: str) -> WebServer:
            log = logs / f"{request.node.name[:80]}.log"
            return stack.enter_context(servers.running(env={**gateway_env, **env}, log=log))

        yield start


@pytest.fixture
def books(gateway_env: dict[str, str], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Django's models in this process read and write the gateways' database."""
    with django_db_blocker.unblock(), gateway_database.in_use(gateway_env["DATABASE_URL"]):
        yield


@pytest.fixture(scope="session")
def auditor(gateway_env: dict[str, str], django_db_blocker: DjangoDbBlocker) -> Iterator[Auditor]:
    """Checks the new rows of the books after each test, and all of them after the last one."""
    yield Auditor()
    with django_db_blocker.unblock(), gateway_database.in_use(gateway_env["DATABASE_URL"]):
        Auditor().audit()


@pytest.fixture
def new_customer(gateway: WebServer, books: None, auditor: Auditor) -> Iterator[NewCustomer]:
    """Make customers; at the end none has an open hold, and every rule of the books is kept."""
    made: list[Customer] = []

    def new(*, credits: int = 1_000_000, url: str = "", **key_options: object) -> Customer:
        made.append(customers.sign_up(url=url or gateway.url, credits=credits, **key_options))
        return made[-1]

    yield new
    for customer in made:
        customer.wait_until_settled()
    auditor.audit()


@pytest.fixture
def customer(new_customer: NewCustomer) -> Customer:
    """A customer with a million credits."""
    return new_customer()


@pytest.fixture
def embedded_model() -> str:
    """The embedded model's public name; without a running model its tests are skipped."""
    if not os.environ.get("EMBEDDED_MODEL_URL"):
        pytest.skip("EMBEDDED_MODEL_URL is not set: no embedded model runs")
    return "caicaini/swift"
