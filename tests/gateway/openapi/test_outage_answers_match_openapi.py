"""Answers still match /openapi.json while the gateway has lost its database, stops or fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalogue.models import Upstream, WireFormat
from gateway.errors import GatewayError, InternalFailure, LedgerUnavailable, ShuttingDown
from gateway.openapi import examples
from tests.support import servers
from tests.support.api_description import Description
from tests.support.callers import Answer, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import events, silence, streams
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.tcp_proxy import Cable


def assert_is(
    answer: Answer, kind: type[GatewayError], description: Description, operation: str
) -> None:
    """Fail unless it is this error and matches the description of the operation."""
    assert answer.status == kind.status
    assert answer.error["details"]["error_code"] == kind.error_code
    description.assert_answer_fits(answer, operation)
    description.assert_fits(answer.json(), description.schemas[kind.__name__])


@pytest.fixture
def customer_without_database(
    new_customer: NewCustomer, gateway_env: dict[str, str], logs: Path, tmp_path: Path
) -> Iterator[Customer]:
    """A customer of a gateway whose database became unavailable after the start."""
    with Cable(gateway_env["DATABASE_URL"]).laid() as cable:
        env = {**gateway_env, "DATABASE_URL": cable.url, "DATA_DIR": str(tmp_path)}
        with servers.running(env=env, log=logs / "without-database.log") as server:
            customer = new_customer(url=server.url)
            cable.pull_out()
            yield customer
            cable.plug_in()


def test_without_the_database_every_address_answers_as_described(
    customer_without_database: Customer, description: Description
) -> None:
    body = request_body("Hello")
    caller = customer_without_database.caller
    answers = {
        "createMessage": caller.post("/v1/messages", body),
        "countTokens": caller.post("/v1/messages/count_tokens", body),
        "listModels": caller.get("/v1/models"),
        "getModel": caller.get("/v1/models/scripted/messages"),
        "getCredits": caller.get("/v1/credits"),
        "getUsage": caller.get("/v1/usage"),
        "getRequest": caller.get(f"/v1/requests/{examples.REQUEST_ID}"),
    }

    assert answers.keys() == {one["operationId"] for _, _, one in description.operations()}
    for operation, answer in answers.items():
        assert_is(answer, LedgerUnavailable, description, operation)
        assert int(answer.headers["retry-after"]) >= 1


def test_a_non_streaming_call_that_outlasts_the_drain_is_answered_as_described(
    new_customer: NewCustomer,
    start_gateway: StartGateway,
    upstream: ScriptedUpstream,
    description: Description,
) -> None:
    stopping = start_gateway(DRAIN_WINDOW_S="3")
    customer = new_customer(url=stopping.url)
    script = upstream.script(silence)
    call = customer.begin(script.prompt)
    script.wait_for_request()

    stopping.ask_to_stop()

    assert_is(call.answer(), ShuttingDown, description, "createMessage")


def test_a_stream_that_outlasts_the_drain_ends_as_described(
    new_customer: NewCustomer,
    start_gateway: StartGateway,
    upstream: ScriptedUpstream,
    description: Description,
) -> None:
    stopping = start_gateway(DRAIN_WINDOW_S="3")
    customer = new_customer(url=stopping.url)
    call = customer.begin(upstream.script(streams(*events()[:3], silence)).prompt, stream=True)
    call.read_until("content_block_delta")

    stopping.ask_to_stop()

    *_, last = call.events()
    description.assert_event_fits(last)
    description.assert_fits(last.data, description.schemas[ShuttingDown.__name__])


@pytest.fixture
def behind_its_catalogue(start_gateway: StartGateway, books: None) -> WebServer:
    """A gateway whose catalogue has an upstream in an unknown format, as in a process that still
    runs an older release."""
    upstreams = Upstream.objects.filter(model__public_id="scripted/plaintext")
    upstreams.update(format="a-format-of-tomorrow")
    try:
        return start_gateway()
    finally:
        upstreams.update(format=WireFormat.MESSAGES)


@pytest.mark.parametrize("stream", [False, True])
def test_an_internal_failure_is_answered_as_described(
    new_customer: NewCustomer,
    behind_its_catalogue: WebServer,
    description: Description,
    stream: bool,
) -> None:
    customer = new_customer(url=behind_its_catalogue.url)
    body = request_body("Hello", model="scripted/plaintext", stream=stream)

    answer = customer.caller.post("/v1/messages", body)
    count = customer.caller.post("/v1/messages/count_tokens", body)

    assert_is(answer, InternalFailure, description, "createMessage")
    assert_is(count, InternalFailure, description, "countTokens")
    assert "tomorrow" not in answer.body.decode() + count.body.decode()
    assert customer.records() == []
    assert customer.wallet().held == 0
