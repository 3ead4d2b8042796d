"""The webhook's responses, and the events that it stores in the inbox."""

import http.client
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from billing.models import StripeEvent
from billing.stripe import inbox, webhook
from embedded import ports
from tests.billing.top_ups.conftest import SECRET
from tests.billing.top_ups.forgeries import SECRETS, forgeries, signature
from tests.billing.top_ups.shop import at_once, database_url
from tests.support.servers import WebServer
from tests.support.waiting import eventually


class Answer(NamedTuple):
    status: int
    text: str


class Endpoint:
    """Our webhook, over a real socket."""

    def __init__(self, url: str) -> None:
        self._netloc = urlsplit(url).netloc

    def post(self, body: bytes, header: str | None, *, method: str = "POST") -> Answer:
        headers = {"Content-Type": "application/json"}
        if header is not None:
            headers["Stripe-Signature"] = header
        return self.send(method, body, headers)

    def send(self, method: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection(self._netloc, timeout=60)
        try:
            connection.request(method, "/webhooks/stripe", body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        finally:
            connection.close()

    def deliver(self, event: Mapping[str, Any], *secrets: str) -> Answer:
        body = json.dumps(event).encode()
        return self.post(body, signature(body, *(secrets or (SECRET,)), at=int(time.time())))


@pytest.fixture
def endpoint(live_server: LiveServer, settings: Settings) -> Endpoint:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    settings.STRIPE_LIVEMODE = False
    return Endpoint(live_server.url)


def event(event_id: str = "evt_1", **changes: Any) -> dict[str, Any]:
    return {
        "id": event_id,
        "object": "event",
        "type": "charge.refunded",
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": {"id": "ch_1", "payment_intent": "pi_1", "amount": 100}},
        **changes,
    }


def test_an_event_is_put_into_the_inbox(endpoint: Endpoint) -> None:
    assert endpoint.deliver(event()) == (200, "taken")

    stored = StripeEvent.objects.get()
    assert (stored.id, stored.type, stored.object_id) == ("evt_1", "charge.refunded", "ch_1")
    assert (stored.payment_intent_id, stored.processed_at) == ("pi_1", None)


def test_ten_deliveries_at_once_are_one_event(endpoint: Endpoint) -> None:
    statuses = []

    at_once(lambda _: statuses.append(endpoint.deliver(event()).status), "0123456789", threads=10)

    assert statuses == [200] * 10
    assert StripeEvent.objects.count() == 1


def test_a_second_delivery_of_a_processed_event_does_not_reopen_it(endpoint: Endpoint) -> None:
    endpoint.deliver(event())
    StripeEvent.objects.update(processed_at="2026-01-01T00:00:00Z")

    assert endpoint.deliver(event()).status == 200
    assert StripeEvent.objects.get().processed_at is not None


def test_events_that_cannot_concern_a_top_up_are_not_kept(endpoint: Endpoint) -> None:
    assert endpoint.deliver(event(type="balance.available", data={"object": {}})).status == 200
    assert not StripeEvent.objects.exists()


def test_an_event_of_the_other_mode_is_refused(endpoint: Endpoint) -> None:
    assert endpoint.deliver(event(livemode=True)).status == 400
    assert not StripeEvent.objects.exists()


def test_live_events_are_taken_in_live_mode_and_test_events_are_not(
    endpoint: Endpoint, settings: Settings
) -> None:
    settings.STRIPE_LIVEMODE = True

    assert endpoint.deliver(event("evt_live", livemode=True)).status == 200
    assert endpoint.deliver(event("evt_test")).status == 400
    assert StripeEvent.objects.get().pk == "evt_live"


def test_both_secrets_are_good_during_a_roll(endpoint: Endpoint, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = list(SECRETS)

    answers = [endpoint.deliver(event(f"evt_{one}"), one).status for one in SECRETS]

    assert answers == [200, 200]
    assert endpoint.deliver(event("evt_else"), "whsec_else").status == 400


def test_forged_deliveries_are_refused(endpoint: Endpoint, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = list(SECRETS)
    forged = [one for one in forgeries(240, seed=2) if _fits_http(one.header)]

    answers = {endpoint.post(one.body, one.header).status for one in forged}

    assert len(forged) > 150
    assert answers == {400}
    assert not StripeEvent.objects.exists()


def test_a_delivery_without_a_signature_is_refused(endpoint: Endpoint) -> None:
    assert endpoint.post(json.dumps(event()).encode(), None).status == 400


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"id": "evt_1"}', b'{"id": 7}'])
def test_what_is_signed_and_no_event_is_refused(endpoint: Endpoint, body: bytes) -> None:
    assert endpoint.post(body, signature(body, SECRET, at=int(time.time()))).status == 400


@pytest.mark.parametrize(
    "odd",
    [
        {"event_id": "evt_\0"},
        {"event_id": "evt_" + "x" * 5_000},
        {"data": {"object": {"id": "ch_\0", "payment_intent": "pi_1"}}},
        {"data": {"object": {"id": "ch_1", "payment_intent": "pi_" + "x" * 5_000}}},
        {"data": {"object": {"id": "cs_1", "client_reference_id": "y" * 5_000}}},
    ],
    ids=lambda odd: str(odd)[:50],
)
def test_an_odd_event_is_set_aside_and_the_next_is_taken(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture, odd: dict[str, Any]
) -> None:
    assert endpoint.deliver(event(**odd)).status == 200

    assert not StripeEvent.objects.exists()
    assert "set aside" in caplog.text
    assert endpoint.deliver(event("evt_2")).status == 200
    assert StripeEvent.objects.get().pk == "evt_2"


def test_a_body_without_end_is_refused(endpoint: Endpoint) -> None:
    body = b" " * (webhook.LARGEST_BYTES + 1)

    assert endpoint.post(body, signature(body, SECRET, at=int(time.time()))).status == 413


def test_only_post_is_answered(endpoint: Endpoint) -> None:
    assert endpoint.post(b"", None, method="GET").status == 405


def test_events_are_taken_while_the_broker_is_down(transactional_db: None, tmp_path: Path) -> None:
    """A thread of its own dispatches events; the sweep finds those that were not dispatched."""
    env = {
        "DATABASE_URL": database_url(),
        "REDIS_URL": f"redis://{ports.LOOPBACK}:{ports.free_port()}/0",
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        "STRIPE_SECRET_KEY": "sk_test_unused",
    }
    server = WebServer(env=env, log=tmp_path / "server.log")
    try:
        eventually(
            lambda: ports.answers(ports.LOOPBACK, server.port, "/healthz"),
            within_s=60,
            what="an answer of the server",
        )
        answers = [Endpoint(server.url).deliver(event(f"evt_{one}")).status for one in range(5)]
    finally:
        server.stop()

    assert answers == [200] * 5
    assert StripeEvent.objects.filter(processed_at=None).count() == 5


def test_the_documentation_lists_the_events_to_subscribe_to() -> None:
    text = (settings.BASE_DIR / "docs/configuration.md").read_text()

    listed = re.findall(r"`((?:checkout\.session|charge|refund)\.[a-z_.]+)`", text)

    assert sorted(listed) == sorted(inbox.WATCHED)


def _fits_http(header: str) -> bool:
    return header.isascii() and header.isprintable() and header == header.strip()
