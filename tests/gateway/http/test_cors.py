"""A page of another origin calls the gateway: the browser is told that it may."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from embedded import ports
from tests.browser import chromium
from tests.support.callers import Caller
from tests.support.customers import Customer
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer

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

# What a page sees of a call: its status, the headers that it may read, and all of its body.
FETCH = """async ([url, key, body]) => {
  const headers = {
    "content-type": "application/json", authorization: `Bearer ${key}`,
    "anthropic-version": "2023-06-01", "anthropic-beta": "a-2026-01-01", "x-stainless-lang": "js",
  };
  const response = await fetch(url, { method: "POST", headers, body });
  const seen = Object.fromEntries(response.headers);
  return { status: response.status, body: await response.text(), headers: seen };
}"""


class EmptyPage(BaseHTTPRequestHandler):
    """A site that shows nothing; what counts is that it is another origin."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()

    def log_message(self, *said: Any) -> None:
        pass


@pytest.fixture
def other_site() -> Iterator[str]:
    with ThreadingHTTPServer((ports.LOOPBACK, 0), EmptyPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{ports.LOOPBACK}:{server.server_port}/"
        server.shutdown()


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


@chromium.NEEDED
def test_a_real_browser_lets_a_page_of_another_site_read_all_of_it(
    customer: Customer, upstream: ScriptedUpstream, other_site: str
) -> None:
    script = upstream.script(says("Hello there"))
    turns = [{"role": "user", "content": script.prompt}]
    body = {"model": "scripted/messages", "max_tokens": 9, "messages": turns}
    large = body | {"messages": [{"role": "user", "content": "x" * 3_000_000}]}
    url = f"{customer.url}/v1/messages"
    calls = [
        (url, customer.token, json.dumps(body)),
        (url, customer.token, json.dumps(body | {"stream": True})),
        (url, customer.token, json.dumps(body | {"model": "nothing"})),
        (url, "no-key", json.dumps(large)),
    ]

    with chromium.running() as browser:
        page = browser.new_page()
        page.goto(other_site)
        plain, stream, not_found, stranger = (page.evaluate(FETCH, list(call)) for call in calls)

    assert [seen["status"] for seen in (plain, stream, not_found, stranger)] == [200, 200, 404, 401]
    for seen in (plain, stream, not_found, stranger):
        assert seen["headers"]["request-id"].startswith("req_")
    assert json.loads(plain["body"])["content"][0]["text"] == "Hello there"
    assert plain["headers"]["caicaini-credits-consumed"] == "60"
    assert stream["body"].endswith('event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert json.loads(stranger["body"])["error"]["type"] == "authentication_error"
    assert script.requests[0].headers["anthropic-beta"] == "a-2026-01-01"
