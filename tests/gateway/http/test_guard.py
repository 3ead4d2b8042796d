"""What holds for every request under /v1: its host, its transport, and headers of the answer."""

import pytest

from tests.support.callers import Answer, Caller, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream

PRODUCTION = {
    "SECRET_KEY": "a secret of fifty characters and more, for nobody but this test",
    "PUBLIC_URL": "https://127.0.0.1",
    "TRUSTED_PROXY_COUNT": "1",
}
PLACES = ["/v1/messages", "/v1/messages/count_tokens", "/v1/credits", "/v1/models", "/v1/nothing"]


def ask(caller: Caller, path: str, headers: dict[str, str] | None = None) -> Answer:
    if path.startswith("/v1/messages"):
        return caller.post(path, request_body("Hello"), headers)
    return caller.get(path, headers)


@pytest.mark.parametrize("path", PLACES)
def test_another_host_is_not_served(customer: Customer, path: str) -> None:
    refused = ask(customer.caller, path, {"host": "evil.example"})

    assert refused.status == 400
    assert refused.error["message"].startswith("host: ")
    assert customer.records() == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "[::1]:80", "127.0.0.1"])
def test_our_hosts_are_served(customer: Customer, host: str) -> None:
    assert ask(customer.caller, "/v1/credits", {"host": host}).status == 200


def test_answers_to_calls_are_kept_nowhere_and_reads_only_for_the_key(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())
    calls = [customer.ask(script.prompt, stream=stream) for stream in (False, True)]
    count = ask(customer.caller, "/v1/messages/count_tokens")
    reads = [ask(customer.caller, path) for path in ("/v1/credits", "/v1/models", "/v1/usage")]
    errors = [ask(Caller(customer.url, None), path) for path in PLACES]

    assert {one.headers["cache-control"] for one in [*calls, count, *errors]} == {"no-store"}
    assert {one.headers["cache-control"] for one in reads} == {"private, no-cache"}
    everything = [*calls, count, *reads, *errors]
    assert {one.headers["x-content-type-options"] for one in everything} == {"nosniff"}
    assert not any("strict-transport-security" in one.headers for one in everything)


def test_in_production_what_came_over_plain_http_is_refused(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(**PRODUCTION)
    customer = new_customer(url=gateway.url)
    script = upstream.script(says())

    for path in PLACES:
        refused = ask(customer.caller, path, {"x-forwarded-proto": "http"})
        assert (refused.status, refused.error["type"]) == (403, "permission_error")
        assert "https" in refused.error["message"]
    assert script.requests == []
    served = customer.ask(script.prompt, headers={"x-forwarded-proto": "https"})
    assert served.status == 200
    assert served.headers["strict-transport-security"].startswith("max-age=31536000")
    assert ask(customer.caller, "/v1/credits").status == 200  # not through the proxy


def test_without_a_proxy_anybody_can_write_that_header(customer: Customer) -> None:
    assert ask(customer.caller, "/v1/credits", {"x-forwarded-proto": "http"}).status == 200


def test_a_refusal_quotes_no_name_of_any_length(customer: Customer) -> None:
    choice = {"type": "tool", "name": "x" * 100_000}
    tools = [{"name": "a", "input_schema": {}}]

    refused = customer.ask("Hello", tool_choice=choice, tools=tools)

    assert refused.status == 400
    assert len(refused.body) < 2_000
