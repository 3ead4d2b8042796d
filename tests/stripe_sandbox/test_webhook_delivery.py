"""Deliveries to the webhook endpoint, and the events that Stripe lists."""

import pytest
import stripe

from stripe_sandbox.client import Sandbox
from stripe_sandbox.settings import API_VERSION
from stripe_sandbox.webhooks.script import Endpoint
from tests.stripe_sandbox.library import Checkout
from tests.stripe_sandbox.receiver import Received, Receiver


def verify(received: Received, secret: str) -> stripe.Event:
    event: stripe.Event = stripe.Webhook.construct_event(received.body, received.signature, secret)
    return event


def test_the_library_takes_the_signature(
    sandbox: Sandbox, receiver: Receiver, checkout: Checkout
) -> None:
    sandbox.pay(checkout(client_reference_id="top-up-1").id)
    sandbox.wait_until_delivered()

    events = [verify(one, "whsec_one") for one in receiver.received]

    completed = next(one for one in events if one.type == "checkout.session.completed")
    assert completed.id.startswith("evt_")
    assert completed.api_version == API_VERSION
    assert completed.livemode is False
    assert completed.data.object.to_dict()["client_reference_id"] == "top-up-1"
    assert completed.data.object.to_dict()["payment_status"] == "paid"
    assert receiver.received[0].content_type == "application/json; charset=utf-8"


def test_another_secret_or_a_changed_byte_does_not_verify(
    sandbox: Sandbox, receiver: Receiver, api: stripe.StripeClient
) -> None:
    api.v1.customers.create({"name": "Ada"})
    sandbox.wait_until_delivered()
    received = receiver.received[0]
    changed = received._replace(body=received.body.replace(b"Ada", b"Eve"))

    for forged, secret in ((received, "whsec_two"), (changed, "whsec_one")):
        with pytest.raises(stripe.SignatureVerificationError):
            verify(forged, secret)


def test_both_secrets_sign_during_a_roll(
    sandbox: Sandbox, receiver: Receiver, api: stripe.StripeClient
) -> None:
    sandbox.set_endpoint(receiver.url, secrets=["whsec_old", "whsec_new"])
    customer = api.v1.customers.create()
    sandbox.wait_until_delivered()

    received = receiver.received[0]

    assert received.signature.count("v1=") == 2
    for secret in ("whsec_old", "whsec_new"):
        assert verify(received, secret).data.object.to_dict()["id"] == customer.id


def test_only_wanted_types_are_sent(
    sandbox: Sandbox, receiver: Receiver, api: stripe.StripeClient, checkout: Checkout
) -> None:
    sandbox.set_endpoint(receiver.url, events=["checkout.session.*", "refund.created"])
    session = checkout()
    sandbox.pay(session.id)
    sandbox.refund(session.id)
    sandbox.wait_until_delivered()

    assert sorted(receiver.types) == ["checkout.session.completed", "refund.created"]
    assert len(api.v1.events.list().data) > 2


def test_without_an_endpoint_events_are_only_kept(
    sandbox: Sandbox, receiver: Receiver, api: stripe.StripeClient
) -> None:
    sandbox.set_endpoint("")
    api.v1.customers.create()

    assert sandbox.deliveries() == []
    assert [one.pending_webhooks for one in api.v1.events.list().data] == [0]


def test_a_failed_delivery_is_retried_until_accepted(
    sandbox: Sandbox, receiver: Receiver, api: stripe.StripeClient
) -> None:
    receiver.statuses = [500, 302]
    api.v1.customers.create()
    sandbox.wait_until_delivered()

    delivery = sandbox.deliveries()[0]

    assert [one["status"] for one in delivery["attempts"]] == [500, 302, 200]
    assert [one["answer"] for one in delivery["attempts"]] == ["not now", "not now", "taken"]
    assert delivery["state"] == "delivered"
    assert len({one.event["id"] for one in receiver.received}) == 1
    assert all(verify(one, "whsec_one") for one in receiver.received)


def test_retries_have_an_end(
    sandbox: Sandbox, receiver: Receiver, api: stripe.StripeClient
) -> None:
    receiver.statuses = [500] * 10
    api.v1.customers.create()
    sandbox.wait_until_delivered()

    delivery = sandbox.deliveries(state="failed")[0]
    event = api.v1.events.retrieve(delivery["event_id"])

    assert len(receiver.received) == len(delivery["attempts"]) == 3
    assert event.pending_webhooks == 1


def test_retries_wait_longer_each_time() -> None:
    endpoint = Endpoint(retry_first_s=1, retry_attempts=8)

    waits = [endpoint.retry_delay_s(attempts) for attempts in range(1, 9)]

    assert waits == [1, 2, 4, 8, 16, 32, 60, None]


def test_an_unreachable_endpoint_is_recorded(sandbox: Sandbox, api: stripe.StripeClient) -> None:
    sandbox.set_endpoint("http://127.0.0.1:9/", retry_attempts=1)
    api.v1.customers.create()
    sandbox.wait_until_delivered()

    attempt = sandbox.deliveries()[0]["attempts"][0]

    assert attempt["status"] is None
    assert "Connect" in attempt["error"]


def test_a_slow_endpoint_times_out(
    sandbox: Sandbox, receiver: Receiver, api: stripe.StripeClient, hold_answers: None
) -> None:
    sandbox.set_endpoint(receiver.url, timeout_s=0.1, retry_attempts=1)
    api.v1.customers.create()
    sandbox.wait_until_delivered()

    assert "TimeoutError" in sandbox.deliveries(state="failed")[0]["attempts"][0]["error"]


def test_an_event_can_be_delivered_again(
    sandbox: Sandbox, receiver: Receiver, api: stripe.StripeClient
) -> None:
    api.v1.customers.create()
    sandbox.wait_until_delivered()
    event = receiver.events[0]

    sandbox.redeliver(event["id"], copies=2)
    sandbox.wait_until_delivered()

    assert [one["id"] for one in receiver.events] == [event["id"]] * 3
    assert len(sandbox.deliveries(event=event["id"])) == 3


def test_events_are_listed_by_delivery_success(
    sandbox: Sandbox, receiver: Receiver, api: stripe.StripeClient, checkout: Checkout
) -> None:
    sandbox.pay(checkout().id)
    sandbox.wait_until_delivered()
    receiver.statuses = [500] * 3
    lost = api.v1.customers.create()
    sandbox.wait_until_delivered()

    def types(**params: object) -> list[str]:
        return [one.type for one in api.v1.events.list(params).data]  # type: ignore[arg-type]

    missed = api.v1.events.list({"delivery_success": False}).data
    assert [one.data.object.to_dict()["id"] for one in missed] == [lost.id]
    assert "customer.created" not in types(delivery_success=True)
    assert types(type="checkout.session.completed") == ["checkout.session.completed"]
    assert sorted(types(type="charge.*")) == ["charge.succeeded", "charge.updated"]
    assert sorted(types(types=["customer.created", "charge.succeeded"])) == [
        "charge.succeeded",
        "customer.created",
    ]


def test_an_event_keeps_the_object_as_it_was(
    sandbox: Sandbox, api: stripe.StripeClient, checkout: Checkout
) -> None:
    session = checkout()
    sandbox.pay(session.id, "bank_succeeds")
    sandbox.settle(session.id)

    completed = api.v1.events.list({"type": "checkout.session.completed"}).data[0]
    succeeded = api.v1.events.list({"type": "checkout.session.async_payment_succeeded"}).data[0]

    assert completed.data.object.to_dict()["payment_status"] == "unpaid"
    assert succeeded.data.object.to_dict()["payment_status"] == "paid"


def test_an_async_payment_can_fail_on_command(
    sandbox: Sandbox, api: stripe.StripeClient, checkout: Checkout
) -> None:
    session = checkout()
    sandbox.pay(session.id, "bank_succeeds")

    failed = sandbox.settle(session.id, succeed=False)

    assert failed["session"]["payment_status"] == "unpaid"
    assert failed["intent"]["status"] == "requires_payment_method"
    types = [one.type for one in api.v1.events.list().data]
    assert types[0] == "checkout.session.async_payment_failed"
    assert {"charge.failed", "payment_intent.payment_failed"} <= set(types)
