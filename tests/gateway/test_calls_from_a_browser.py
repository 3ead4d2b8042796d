"""A page of another origin calls the gateway: the browser is told that it may."""

import pytest

from tests.gateway.callers import Caller
from tests.gateway.customers import Customer
from tests.gateway.replies import says
from tests.gateway.scripted_upstream import ScriptedUpstream
from tests.servers import WebServer

ORIGIN = {"origin": "https://app.example"}
SENT = [
    "authorization",
    "content-type",
    "x-api-key",
    "anthropic-version",
    "anthropic-beta",
    "anthropic-dangerous-direct-browser-access",
    "x-stainless-lang",
]


def names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/models", "/v1/models/a/b", "/v1/credits"])
def test_a_browser_may_ask_before_it_calls(gateway: WebServer, path: str) -> None:
    """It sends no key with that question."""
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": ",".join(SENT),
    }

    answer = Caller(gateway.url, None).call("OPTIONS", path, None, ORIGIN | asked).answer()

    assert answer.status in (200, 204)
    assert answer.headers["access-control-allow-origin"] in ("*", "https://app.example")
    assert names(answer.headers["access-control-allow-methods"]) >= {"get", "post"}
    assert names(answer.headers["access-control-allow-headers"]) >= set(SENT)
    assert 600 <= int(answer.headers["access-control-max-age"]) <= 86_400
    assert answer.headers["request-id"].startswith("req_")


def test_a_page_may_read_every_answer_and_error(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    """Without the header a 401 looks to the page like a broken network."""
    script = upstream.script(says())
    caller, stranger = customer.caller, Caller(customer.url, None)

    answers = [
        caller.ask(script.prompt, headers=ORIGIN),
        caller.ask(script.prompt, stream=True, headers=ORIGIN),
        caller.ask(script.prompt, model="nothing", headers=ORIGIN),
        caller.get("/v1/messages", ORIGIN),
        caller.get("/v1/nowhere", ORIGIN),
        caller.get("/v1/credits", ORIGIN),
        stranger.ask(script.prompt, headers=ORIGIN),
    ]

    assert [answer.status for answer in answers] == [200, 200, 404, 405, 404, 200, 401]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] in ("*", "https://app.example")
        exposed = names(answer.headers["access-control-expose-headers"])
        assert exposed >= {"request-id", "retry-after", "x-should-retry"}
        assert "access-control-allow-credentials" not in answer.headers
