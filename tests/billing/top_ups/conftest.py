"""A Stripe sandbox that delivers its webhooks, over real sockets, to our own portal."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User, Workspace
from billing.audit.report import audit
from billing.ledger import wallets
from stripe_sandbox.client import Sandbox
from stripe_sandbox.server import SandboxServer
from stripe_sandbox.settings import Settings as SandboxSettings
from tests.billing.top_ups.shop import Buyer, new_buyer
from tests.support.books import Books

SECRET = "whsec_of_the_tests"


@pytest.fixture
def stripe_server(live_server: LiveServer, settings: Settings) -> Iterator[SandboxServer]:
    """Scheduled changes wait for `run_agenda`; failed deliveries are retried at once."""
    wanted = SandboxSettings(
        webhook_url=f"{live_server.url}/webhooks/stripe",
        webhook_secrets=(SECRET,),
        retry_first_s=0.05,
        retry_attempts=5,
        later_s=3_600,
    )
    with SandboxServer(wanted) as server:
        settings.STRIPE_SECRET_KEY = server.settings.api_key
        settings.STRIPE_API_BASE = server.url
        settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
        settings.STRIPE_LIVEMODE = False
        yield server
        assert audit().findings == []


@pytest.fixture
def sandbox(stripe_server: SandboxServer) -> Sandbox:
    return stripe_server.control


@pytest.fixture
def buyer(stripe_server: SandboxServer) -> Buyer:
    return new_buyer()


@pytest.fixture
def shopper(stripe_server: SandboxServer, browser: Client) -> Client:
    """A signed-in person's browser, where payments are set up."""
    return browser


@pytest.fixture
def books(person: User, workspace: Workspace) -> Books:
    """The money of the shopper's workspace."""
    return Books(person, workspace, wallets.wallet_of(workspace).pk)
