"""`Idempotency-Key` as Stripe documents it."""

import threading

import pytest
import stripe

from stripe_sandbox.client import Sandbox
from stripe_sandbox.server import SandboxServer
from tests.stripe_sandbox.library import Checkout, library, request_id, response
from tests.support.waiting import eventually

KEY: stripe.RequestOptions = {"idempotency_key": "top-up-1"}


def test_the_same_request_is_answered_again_and_done_once(
    api: stripe.StripeClient, checkout: Checkout
) -> None:
    first, again = checkout(key="top-up-1"), checkout(key="top-up-1")

    assert again.id == first.id
    assert response(again).headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in response(first).headers
    assert response(again).headers["Original-Request"] == request_id(first)
    assert request_id(again) != request_id(first)
    assert len(api.v1.checkout.sessions.list().data) == 1


def test_a_replay_is_the_first_answer_not_the_present_state(
    sandbox: Sandbox, checkout: Checkout
) -> None:
    session = checkout(key="top-up-1")
    sandbox.pay(session.id)

    assert checkout(key="top-up-1").payment_status == "unpaid"


def test_other_parameters_are_an_error(api: stripe.StripeClient) -> None:
    api.v1.customers.create({"email": "a@b.example"}, KEY)

    with pytest.raises(stripe.IdempotencyError, match="same parameters") as caught:
        api.v1.customers.create({"email": "c@d.example"}, KEY)

    assert caught.value.http_status == 400


def test_another_endpoint_is_an_error(api: stripe.StripeClient) -> None:
    api.v1.customers.create({}, KEY)

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        api.v1.setup_intents.create({}, KEY)


def test_a_key_in_use_is_a_conflict(server: SandboxServer, sandbox: Sandbox) -> None:
    sandbox.start_outage("timeout", method="POST", requests=1)
    second = library(server)
    first = threading.Thread(target=_try_to_create, args=(library(server),))
    first.start()
    eventually(lambda: sandbox.status()["requests_hanging"])

    with pytest.raises(stripe.APIError, match="in-progress request") as caught:
        second.v1.customers.create({}, KEY)
    sandbox.clear_outage()
    first.join()

    assert caught.value.http_status == 409
    assert caught.value.error is not None
    assert caught.value.error.code == "idempotency_key_in_use"
    assert second.v1.customers.create({}, KEY).id.startswith("cus_")


def _try_to_create(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.APIError):
        api.v1.customers.create({}, KEY)


def test_a_validation_error_is_not_saved(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.customers.create({"colour": "red"}, KEY)  # type: ignore[arg-type]

    assert api.v1.customers.create({"email": "a@b.example"}, KEY).email == "a@b.example"


def test_a_declined_card_is_saved(api: stripe.StripeClient) -> None:
    params = {
        "amount": 500,
        "currency": "usd",
        "payment_method": "pm_card_chargeDeclined",
        "confirm": True,
    }
    declines = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            api.v1.payment_intents.create(params, KEY)  # type: ignore[arg-type]
        declines.append(caught.value)

    assert declines[1].headers is not None
    assert declines[1].headers["Idempotent-Replayed"] == "true"
    assert declines[0].json_body == declines[1].json_body
    assert len(api.v1.charges.list().data) == 1


def test_keys_are_forgotten_after_a_day(api: stripe.StripeClient, sandbox: Sandbox) -> None:
    first = api.v1.customers.create({}, KEY)
    sandbox.set_clock(86_400 + 60)

    assert api.v1.customers.create({}, KEY).id != first.id


def test_a_key_that_is_too_long_is_refused(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="255"):
        api.v1.customers.create({}, {"idempotency_key": "k" * 256})


def test_reading_takes_no_key(api: stripe.StripeClient) -> None:
    customer = api.v1.customers.create({"name": "Ada"})
    read = [api.v1.customers.retrieve(customer.id, {}, KEY).name]
    api.v1.customers.update(customer.id, {"name": "Bob"})
    read.append(api.v1.customers.retrieve(customer.id, {}, KEY).name)

    assert read == ["Ada", "Bob"]
