"""Simulated outages of Stripe's API: errors, rate limits, timeouts."""

import pytest
import requests
import stripe

from stripe_sandbox.client import Sandbox
from stripe_sandbox.server import SandboxServer
from tests.stripe_sandbox.library import library, response
from tests.support.waiting import eventually

KEY: stripe.RequestOptions = {"idempotency_key": "top-up-1"}


def test_a_server_error_for_the_next_requests(api: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.start_outage("server_error", requests=2)

    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            api.v1.customers.list()
        assert caught.value.http_status == 500

    assert api.v1.customers.list().data == []


def test_the_library_retries_a_server_error_with_the_same_key(
    server: SandboxServer, sandbox: Sandbox
) -> None:
    sandbox.start_outage("server_error", requests=1)

    library(server, max_network_retries=2).v1.customers.create({})

    keys = [entry["idempotency_key"] for entry in sandbox.requests()]
    assert [entry["status"] for entry in sandbox.requests()] == [500, 200]
    assert keys[0] == keys[1]


def test_rate_limits_until_they_are_cleared(api: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.start_outage("rate_limited")

    for _ in range(3):
        with pytest.raises(stripe.RateLimitError):
            api.v1.customers.list()
    sandbox.clear_outage()

    assert api.v1.customers.list().data == []


def _short_timeout() -> stripe.RequestsClient:
    return stripe.RequestsClient(timeout=0.3)


def test_a_timeout_answers_nothing(server: SandboxServer, sandbox: Sandbox) -> None:
    timing_out, waiting = library(server, http_client=_short_timeout()), library(server)
    sandbox.start_outage("timeout", requests=1)

    with pytest.raises(stripe.APIConnectionError):
        timing_out.v1.customers.create({"email": "a@b.example"}, KEY)
    eventually(sandbox.requests, what="the request's end")

    assert waiting.v1.customers.list().data == []


def test_a_request_may_take_effect_although_its_answer_is_lost(
    server: SandboxServer, sandbox: Sandbox
) -> None:
    timing_out, waiting = library(server, http_client=_short_timeout()), library(server)
    sandbox.start_outage("timeout", requests=1, applied=True)

    with pytest.raises(stripe.APIConnectionError):
        timing_out.v1.customers.create({"email": "a@b.example"}, KEY)
    eventually(sandbox.requests, what="the request's end")
    made = waiting.v1.customers.list().data
    again = waiting.v1.customers.create({"email": "a@b.example"}, KEY)

    assert [one.id for one in made] == [again.id]
    assert response(again).headers["Idempotent-Replayed"] == "true"


def test_a_kept_server_error_is_repeated_to_its_key(
    api: stripe.StripeClient, sandbox: Sandbox
) -> None:
    sandbox.start_outage("server_error", requests=1, kept=True)

    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            api.v1.customers.create({}, KEY)
        assert caught.value.http_status == 500

    assert api.v1.customers.list().data == []
    assert api.v1.customers.create({}, {"idempotency_key": "another"}).id


def test_a_slow_request_is_answered(api: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.start_outage("slow", delay_s=0.05, requests=1)

    assert api.v1.customers.create({}).id.startswith("cus_")
    assert sandbox.requests()[-1]["outage"] == "slow"


def test_an_outage_can_be_of_one_address_and_method(
    api: stripe.StripeClient, sandbox: Sandbox
) -> None:
    sandbox.start_outage("server_error", path="/v1/refunds", method="POST")

    assert api.v1.refunds.list().data == []
    with pytest.raises(stripe.APIError):
        api.v1.refunds.create({"charge": "ch_any"})


def test_a_command_must_be_json_and_make_sense(server: SandboxServer) -> None:
    address = f"{server.url}/sandbox/outage"
    answers = [
        requests.post(address, data='{"kind": "slow"}', timeout=60),
        requests.post(address, json={"kind": "sunny"}, timeout=60),
        requests.post(address, json={"kind": "slow", "color": "red"}, timeout=60),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert server.control.requests() == []
