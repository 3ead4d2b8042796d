"""The sandbox as a process: command, settings, persistence."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import stripe

from stripe_sandbox.client import Sandbox
from stripe_sandbox.server import SandboxServer
from stripe_sandbox.settings import Settings
from tests.stripe_sandbox.library import library
from tests.stripe_sandbox.receiver import Receiver
from tests.support.waiting import eventually

SESSION = {
    "mode": "payment",
    "success_url": "https://shop.example/",
    "line_items": [
        {"price_data": {"currency": "usd", "unit_amount": 2000, "product_data": {"name": "x"}}}
    ],
}


@contextmanager
def process(tmp_path: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`python -m stripe_sandbox` on a free port, and the address that it prints."""
    running = subprocess.Popen(
        [sys.executable, "-m", "stripe_sandbox", "--port", "0"],
        env={**os.environ, "DATA_DIR": str(tmp_path), **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        yield running, line.removeprefix("Stripe sandbox at ").strip()
    finally:
        running.kill()
        running.communicate()


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_and_stops_on_a_signal(
    tmp_path: Path, signal_number: signal.Signals
) -> None:
    with process(tmp_path, STRIPE_SANDBOX_KEY="sk_test_mine") as (running, url):
        api = stripe.StripeClient("sk_test_mine", base_addresses={"api": url})
        customer = api.v1.customers.create()  # its connection stays open
        running.send_signal(signal_number)
        code = running.wait(60)

    assert customer.id.startswith("cus_")
    assert code == 0


def test_a_killed_sandbox_keeps_its_state(tmp_path: Path, receiver: Receiver) -> None:
    """It keeps objects, idempotency keys, pending deliveries and the agenda."""
    environment = {"STRIPE_SANDBOX_WEBHOOK_URL": receiver.url, "STRIPE_SANDBOX_LATER_S": "3600"}
    with process(tmp_path, **environment) as (running, url):
        api = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": url})
        Sandbox(url).set_faults(delay_s=3600)
        session = api.v1.checkout.sessions.create(
            SESSION,  # type: ignore[arg-type]
            {"idempotency_key": "top-up-1"},
        )
        Sandbox(url).pay(session.id, "bank_succeeds")
        running.kill()
        running.wait(60)

    with process(tmp_path, **environment) as (_, url):
        api = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": url})
        again = api.v1.checkout.sessions.create(
            SESSION,  # type: ignore[arg-type]
            {"idempotency_key": "top-up-1"},
        )
        waiting = Sandbox(url).deliveries(state="pending")
        done = Sandbox(url).run_agenda()
        found = api.v1.checkout.sessions.retrieve(session.id)

    assert again.id == session.id
    assert "checkout.session.completed" in [one["event_type"] for one in waiting]
    assert done == 1
    assert found.payment_status == "paid"


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "DATA_DIR": str(tmp_path),
            "STRIPE_SANDBOX_PORT": "4321",
            "STRIPE_SANDBOX_URL": "https://pay.example/",
            "STRIPE_SANDBOX_WEBHOOK_URL": "http://localhost:8000/webhooks/stripe",
            "STRIPE_SANDBOX_WEBHOOK_SECRETS": "whsec_new, whsec_old",
            "STRIPE_SANDBOX_WEBHOOK_EVENTS": "checkout.session.*,refund.*",
            "STRIPE_SANDBOX_TAX_BASIS_POINTS": "2500",
        }
    )

    assert settings.port == 4321
    assert settings.public_url == "https://pay.example"
    assert settings.webhook_secrets == ("whsec_new", "whsec_old")
    assert settings.webhook_events == ("checkout.session.*", "refund.*")
    assert settings.tax_basis_points == 2500
    assert settings.state_file == tmp_path / "stripe_sandbox.sqlite3"


def test_scheduled_actions_run_by_themselves(receiver: Receiver) -> None:
    with SandboxServer(Settings(webhook_url=receiver.url, later_s=0)) as server:
        session = library(server).v1.checkout.sessions.create(SESSION)  # type: ignore[arg-type]
        server.control.pay(session.id, "bank_succeeds")
        eventually(lambda: "checkout.session.async_payment_succeeded" in receiver.types)
        found = library(server).v1.checkout.sessions.retrieve(session.id)

    assert found.payment_status == "paid"


def test_two_sandboxes_share_nothing() -> None:
    with SandboxServer() as one, SandboxServer() as other:
        library(one).v1.customers.create()

        assert len(library(one).v1.customers.list().data) == 1
        assert library(other).v1.customers.list().data == []


def test_a_port_that_is_taken_is_refused() -> None:
    with SandboxServer() as server, pytest.raises(OSError, match="in use"):
        SandboxServer(Settings(port=server.settings.port))


def test_the_readme_names_every_variable() -> None:
    package = Path(__file__).parents[2] / "stripe_sandbox"
    read = re.findall(r'read\("(\w+)"', (package / "settings.py").read_text())
    documented = re.findall(r"STRIPE_SANDBOX_(\w+)", (package / "README.md").read_text())

    assert read
    assert set(read) == set(documented)


def test_stopping_ends_hanging_requests() -> None:
    statuses: list[int | None] = []

    def ask(api: stripe.StripeClient) -> None:
        try:
            api.v1.customers.list()
        except stripe.APIError as error:
            statuses.append(error.http_status)

    with SandboxServer() as server:
        server.control.start_outage("timeout")
        asking = threading.Thread(target=ask, args=(library(server),))
        asking.start()
        eventually(lambda: server.control.status()["requests_hanging"])
    asking.join()

    assert statuses == [500]


def test_the_page_addresses_follow_the_public_url() -> None:
    with SandboxServer(Settings(public_url="https://pay.example")) as server:
        session = library(server).v1.checkout.sessions.create(SESSION)  # type: ignore[arg-type]

    assert str(session.url).startswith("https://pay.example/c/pay/cs_test_")
