"""The examples in /openapi.json can be sent, and answers match the document."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.openapi import examples
from tests.support import error_types
from tests.support.api_description import Description, Json
from tests.support.callers import Answer, Caller, Transcript
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import (
    after_release,
    answers,
    completion,
    counts,
    does,
    event,
    events,
    message,
    more_than_a_reply,
    says,
    silence,
    streams,
    wait,
)
from tests.support.scripted_upstream import Play, ScriptedUpstream
from tests.support.servers import WebServer

# Errors of an outage, which test_outage_answers_match_openapi.py provokes.
OUTAGES = {"InternalFailure", "LedgerUnavailable", "ShuttingDown"}
ELSEWHERE = {
    "RequestNotFound",
    "RouteNotFound",
    "MethodNotAllowed",
}  # no operation answers with them
PROVOKED = [kind for kind in error_types.kinds() if kind.__name__ not in OUTAGES | ELSEWHERE]
# Examples that no model behind the tests' caicaini/auto supports.
BEYOND_AUTO = ("An image", "Thinking", "An answer in JSON")


def test_the_key_is_described_as_it_is_accepted(
    customer: Customer, description: Description
) -> None:
    schemes = description.document["components"]["securitySchemes"]
    stranger = Caller(customer.url, None)
    ways = {
        "bearer": {"authorization": f"Bearer {customer.token}"},
        "x-api-key": {schemes["x-api-key"]["name"]: customer.token},
    }

    assert schemes.keys() == ways.keys()
    assert description.document["security"] == [{name: []} for name in schemes]
    for headers in ways.values():
        assert stranger.get("/v1/credits", headers).status == 200


def marked(body: Json, script_prompt: str) -> bytes:
    """Return a request body that selects the script at the scripted upstream."""
    return json.dumps(body | {"context_management": {"x-mark": script_prompt}}).encode()


@pytest.mark.parametrize("name", examples.REQUESTS)
def test_the_examples_can_be_sent_unchanged(
    new_customer: NewCustomer,
    small: WebServer,
    upstream: ScriptedUpstream,
    description: Description,
    name: str,
) -> None:
    customer = new_customer(url=small.url)
    script = upstream.script(says(), counting=counts(14))
    example = description.operation("createMessage")["requestBody"]["content"]["application/json"]
    body = example["examples"][name.replace(" ", "-")]["value"]
    if name in BEYOND_AUTO:
        body = body | {"model": "scripted/messages"}

    answer = customer.caller.post("/v1/messages", marked(body, script.prompt))
    count = customer.caller.post("/v1/messages/count_tokens", marked(body, script.prompt))

    assert answer.status == 200, answer.body
    description.assert_answer_fits(answer, "createMessage")
    assert count.json() == {"input_tokens": 14}
    description.assert_answer_fits(count, "countTokens")


def limits_of(description: Description) -> list[tuple[str, Any, Any]]:
    """Each scalar field of a request with its last valid value and the first invalid one."""
    limits: list[tuple[str, Any, Any]] = []
    for name, schema in description.schemas["MessagesRequest"]["properties"].items():
        step = 1 if "integer" in schema.get("type", ()) else 0.001
        if "minimum" in schema:
            limits.append((name, schema["minimum"], schema["minimum"] - step))
        if "maximum" in schema:
            limits.append((name, schema["maximum"], schema["maximum"] + step))
        if "maxLength" in schema:
            limits.append((name, "x" * schema["maxLength"], "x" * (schema["maxLength"] + 1)))
    return limits


def test_limits_are_where_the_description_has_them(
    new_customer: NewCustomer, upstream: ScriptedUpstream, description: Description
) -> None:
    customer = new_customer()
    script = upstream.script(says())
    limits = limits_of(description)

    assert {name for name, _, _ in limits} >= {"model", "max_tokens", "temperature", "top_k"}
    for name, last, too_much in limits:
        assert customer.ask(script.prompt, **{name: last}).status in (200, 404), (name, last)
        refusal = customer.ask(script.prompt, **{name: too_much})
        assert refusal.error["message"].startswith(f"{name}: "), (name, too_much)


def test_the_smallest_call_is_answered_as_the_example_says(
    new_customer: NewCustomer, small: WebServer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(url=small.url)
    example = examples.MESSAGES["Text"]
    script = upstream.script(says(example["content"][0]["text"]))

    body = marked(examples.REQUESTS["The smallest"], script.prompt)
    answer = customer.caller.post("/v1/messages", body).json()

    assert answer | {"id": example["id"]} == example


def test_the_listings_are_answered_as_the_examples_say(
    customer: Customer, upstream: ScriptedUpstream, description: Description
) -> None:
    customer.ask(upstream.script(says()).prompt)
    model = customer.caller.get("/v1/models/caicaini/swift")
    page = customer.caller.get("/v1/models")
    credits = customer.caller.get("/v1/credits")
    used = customer.caller.get("/v1/usage?group_by=model")

    description.assert_answer_fits(model, "getModel")
    description.assert_answer_fits(page, "listModels")
    description.assert_answer_fits(credits, "getCredits")
    description.assert_answer_fits(used, "getUsage")
    assert model.json() | {"created_at": examples.MODEL["created_at"]} == examples.MODEL
    assert page.json().keys() == examples.MODEL_PAGE.keys()
    assert credits.json().keys() == examples.CREDITS.keys()
    assert used.json().keys() == examples.USAGE.keys()
    assert used.json()["data"][0].keys() == examples.USAGE["data"][0].keys()


def test_a_stream_that_breaks_off_keeps_to_the_description(
    customer: Customer, upstream: ScriptedUpstream, description: Description
) -> None:
    failure = event("error", error={"type": "api_error"})
    script = upstream.script(streams(*events()[:3], wait, failure))
    call = customer.begin(script.prompt, stream=True)

    first = call.read_until("message_start")
    script.release()
    seen = Transcript([first, *call.events()])

    assert seen.error is not None
    for one in seen.events:
        description.assert_event_fits(one)


class Provoking:
    """Provokes each error; the methods are named after the error codes."""

    def __init__(
        self,
        new_customer: NewCustomer,
        start_gateway: StartGateway,
        gateways: dict[str, WebServer],
        upstream: ScriptedUpstream,
    ) -> None:
        self._new_customer = new_customer
        self._start_gateway = start_gateway
        self._small = gateways["small"]
        self._impatient = gateways["impatient"]
        self._upstream = upstream

    def _played(self, play: Play, **customer: Any) -> Answer:
        return self._new_customer(**customer).ask(self._upstream.script(play).prompt)

    def invalid_request(self) -> Answer:
        return self._new_customer().ask("Hello", max_tokens=None)

    def invalid_api_key(self) -> Answer:
        return Caller(self._small.url, None).ask("Hello")

    def out_of_credits(self) -> Answer:
        return self._smallest(credits=900, max_tokens=2000)

    def nearly_without_credits(self) -> Answer:
        return self._smallest(credits=3, max_tokens=100)

    def _smallest(self, *, credits: int, max_tokens: int) -> Answer:
        body = examples.REQUESTS["The smallest"] | {"max_tokens": max_tokens}
        caller = self._new_customer(credits=credits).caller
        return caller.post("/v1/messages", json.dumps(body).encode())

    def credits_held(self) -> Answer:
        customer = self._new_customer(credits=1_500)
        script = self._upstream.script(after_release(says()), counting=counts(500))
        running = customer.begin(script.prompt)
        script.wait_for_request()
        refused = customer.ask(script.prompt)
        script.release()
        assert running.answer().status == 200
        return refused

    def api_key_revoked(self) -> Answer:
        customer = self._new_customer()
        script = self._upstream.script(after_release(says()))
        running = customer.begin(script.prompt)
        script.wait_for_request()
        customer.revoke()
        return running.answer()

    def busy_uploading(self) -> Answer:
        server = self._start_gateway(
            MAX_BODY_BYTES="200000", BODY_DISK_BYTES="200000", BODY_WAIT_S="0.1"
        )
        customer, other = (self._new_customer(url=server.url) for _ in range(2))
        assert customer.caller.get("/v1/models").status == 200  # its key is known from now on
        length = {"content-type": "application/json", "content-length": "150000"}
        uploading = customer.caller.call("POST", "/v1/messages", None, length)
        refused = other.ask("x" * 150_000)
        uploading.hang_up()
        return refused

    def permission_denied(self) -> Answer:
        return self._played(says(), allowed_models=("caicaini/swift",))

    def model_not_found(self) -> Answer:
        return self._new_customer().ask("Hello", model="caicaini/swfit")

    def thread_not_found(self) -> Answer:
        thread = {"type": "continue", "previous_message_id": "msg_1"}
        return self._new_customer().ask("And then?", thread=thread)

    def request_too_large(self) -> Answer:
        return self._new_customer(url=self._small.url).ask("x" * 10_001)

    def rate_limited(self) -> Answer:
        server = self._start_gateway(RATE_LIMITS="requests=1")
        customer = self._new_customer(url=server.url)
        customer.ask("Hello", model="scripted/unreachable")
        return customer.ask("Hello")

    def overloaded(self) -> Answer:
        server = self._start_gateway(MAX_CONCURRENT_CALLS="1")
        customer, other = (self._new_customer(url=server.url) for _ in range(2))
        script = self._upstream.script(after_release(says()))
        running = customer.begin(script.prompt)
        script.wait_for_request()
        shed = other.ask("Hello")
        script.release()
        assert running.answer().status == 200
        return shed

    def refused_by_model(self) -> Answer:
        return self._played(answers(b'{"error": {"message": "No."}}', status=400))

    def upstream_failed(self) -> Answer:
        return self._played(answers(b"{}", status=500))

    def invalid_tool_input(self) -> Answer:
        call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": "it"}
        return self._played(answers(message(content=[call])))

    def upstream_empty(self) -> Answer:
        nothing = {"message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
        script = self._upstream.script(answers(completion(choices=[nothing])))
        return self._new_customer().ask(script.prompt, model="scripted/chat")

    def upstream_misconfigured(self) -> Answer:
        return self._played(answers(b"{}", status=401))

    def upstream_reply_too_large(self) -> Answer:
        return self._played(more_than_a_reply())

    def upstream_unavailable(self) -> Answer:
        return self._new_customer().ask("Hello", model="scripted/unreachable")

    def upstream_timeout(self) -> Answer:
        return self._played(does(silence), url=self._impatient.url)

    def upstream_overloaded(self) -> Answer:
        return self._played(answers(b"{}", status=529, headers=("retry-after: 7",)))


@pytest.fixture
def provoking(
    new_customer: NewCustomer,
    start_gateway: StartGateway,
    gateways: dict[str, WebServer],
    upstream: ScriptedUpstream,
) -> Provoking:
    return Provoking(new_customer, start_gateway, gateways, upstream)


@pytest.mark.parametrize("kind", PROVOKED, ids=lambda kind: kind.__name__)
def test_errors_come_as_described(
    provoking: Provoking, description: Description, kind: type[GatewayError]
) -> None:
    provoke: Callable[[], Answer] = getattr(provoking, str(kind.error_code))

    answer = provoke()

    assert answer.status == kind.status
    assert answer.error["details"]["error_code"] == kind.error_code
    description.assert_answer_fits(answer, "createMessage")
    description.assert_fits(answer.json(), description.schemas[kind.__name__])


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/completions", "RouteNotFound"),
        ("GET", "/v1/messages", "MethodNotAllowed"),
        ("DELETE", "/v1/models", "MethodNotAllowed"),
    ],
)
def test_errors_of_the_address_come_as_described(
    customer: Customer, description: Description, method: str, path: str, name: str
) -> None:
    answer = customer.caller.call(method, path).answer()

    response = description.document["components"]["responses"][name]
    description.assert_fits(answer.json(), response["content"]["application/json"]["schema"])
    assert all(answer.headers[header] for header in response["headers"])


def test_an_unknown_call_comes_as_described(customer: Customer, description: Description) -> None:
    answer = customer.caller.get(f"/v1/requests/{examples.REQUEST_ID}")

    assert answer.status == 404
    description.assert_answer_fits(answer, "getRequest")
    description.assert_fits(answer.json(), description.schemas["RequestNotFound"])


@pytest.mark.parametrize(
    "provocation",
    ["invalid_request", "invalid_api_key", "out_of_credits", "nearly_without_credits"],
)
def test_the_examples_of_errors_are_real_answers(
    provoking: Provoking, description: Description, provocation: str
) -> None:
    answer = getattr(provoking, provocation)()

    response = description.operation("createMessage")["responses"][str(answer.status)]
    described = response["content"]["application/json"]["examples"].values()
    assert answer.error in [example["value"]["error"] for example in described]
