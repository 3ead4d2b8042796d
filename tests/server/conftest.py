"""The portal in a process of its own, and a connection to it."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from embedded import ports
from tests.billing.top_ups.shop import database_url
from tests.server.raw_requests import Sender
from tests.support.servers import WebServer
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    log = tmp_path_factory.mktemp("portal") / "server.log"
    env = {"DATABASE_URL": database_url(), "STRIPE_WEBHOOK_SECRETS": "whsec_test"}
    one = WebServer(env=env, log=log)
    try:
        eventually(
            lambda: ports.answers(ports.LOOPBACK, one.port, "/healthz"),
            within_s=60,
            what="an answer of the server",
        )
        yield one
    finally:
        one.stop()


@pytest.fixture
def sender(server: WebServer) -> Iterator[Sender]:
    with closing(Sender(server)) as one:
        yield one
