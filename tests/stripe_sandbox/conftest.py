"""A fresh sandbox for each test, with the real library and a webhook endpoint beside it."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from stripe.checkout import Session

from stripe_sandbox.client import Sandbox
from stripe_sandbox.server import SandboxServer
from stripe_sandbox.settings import Settings
from tests.stripe_sandbox.library import Checkout, library
from tests.stripe_sandbox.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as running:
        yield running


@pytest.fixture
def server(receiver: Receiver) -> Iterator[SandboxServer]:
    """Scheduled actions wait for `run_agenda`; failed deliveries are retried at once."""
    settings = Settings(
        webhook_url=receiver.url,
        webhook_secrets=("whsec_one",),
        retry_first_s=0.01,
        retry_attempts=3,
        later_s=3600,
    )
    with SandboxServer(settings) as running:
        yield running


@pytest.fixture
def sandbox(server: SandboxServer) -> Sandbox:
    return server.control


@pytest.fixture
def api(server: SandboxServer) -> stripe.StripeClient:
    return library(server)


@pytest.fixture
def checkout(api: stripe.StripeClient) -> Checkout:
    """Open a session of $20; keyword arguments change or add parameters."""

    def open_session(*, unit_amount: int = 2000, key: str | None = None, **params: Any) -> Session:
        wanted = {
            "mode": "payment",
            "success_url": "http://shop.localhost:9/done?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://shop.localhost:9/billing",
            "line_items": [
                {
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": unit_amount,
                        "product_data": {"name": "2,000,000 apiCredits"},
                    },
                    "quantity": 1,
                }
            ],
            **params,
        }
        options = {"idempotency_key": key} if key else None
        return api.v1.checkout.sessions.create(wanted, options)  # type: ignore[arg-type]

    return open_session


@pytest.fixture
def hold_answers(receiver: Receiver) -> Iterator[None]:
    """The endpoint answers nothing until its gate opens."""
    receiver.gate = threading.Event()
    yield
    receiver.gate.set()
