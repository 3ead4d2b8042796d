"""What Claude Code's documentation asks of a gateway (its page "Gateway protocol reference")."""

import json
from typing import Any

import pytest

from gateway.http import labels
from tests.gateway.faults.table import CHAT, MESSAGES
from tests.support.callers import Caller, request_body
from tests.support.customers import Customer
from tests.support.replies import answers, counts, event, events, says, streams, wait
from tests.support.scripted_upstream import Script, ScriptedUpstream

BETAS = "claude-code-20250219,interleaved-thinking-2025-05-14, context-management-2025-06-27"
HEADERS = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": BETAS,
    "user-agent": "claude-cli/2.1.330 (external, sdk-cli)",
    "x-app": "cli",
    labels.SESSION: "4f7c9b52-1d7e-4b8e-9a55-0c3f6f4f2f60",
    "x-claude-code-agent-id": "a1b2",
    "x-claude-code-parent-agent-id": "c3d4",
    "anthropic-dangerous-direct-browser-access": "true",
}
ATTRIBUTION = "x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=cli;"
CACHED = {"cache_control": {"type": "ephemeral"}}


def turn(prompt: str, **fields: Any) -> dict[str, Any]:
    """A turn as Claude Code sends it."""
    tool = {"name": "Read", "description": "Read a file", "input_schema": {"type": "object"}}
    return {
        "model": "scripted/messages",
        "max_tokens": 4000,
        "system": [
            {"type": "text", "text": ATTRIBUTION},
            {"type": "text", "text": "You are an agent.", **CACHED},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": prompt, **CACHED}]},
            {"role": "system", "content": "The date is 2026-11-30."},
        ],
        "tools": [tool | {"strict": True}, tool | {"name": "Later", "defer_loading": True}],
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "metadata": {"user_id": '{"device_id":"d","session_id":"s"}'},
        "stream": True,
    } | fields


def send(customer: Customer, body: dict[str, Any], path: str = "/v1/messages?beta=true") -> Any:
    caller = Caller(customer.url, customer.token)
    return caller.post(path, json.dumps(body).encode(), HEADERS)


@pytest.mark.parametrize("stream", [False, True])
def test_version_betas_and_body_reach_the_upstream_unchanged(
    customer: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    """Posted to the path with a query; the attribution block stays first, in an entry of its own.
    A plain twin of a streamed call works, too."""
    script = upstream.script(says())
    body = turn(script.prompt, stream=stream)

    answer = send(customer, body)

    assert answer.status == 200
    [seen] = script.requests
    assert seen.headers["anthropic-version"] == "2023-06-01"
    assert seen.headers["anthropic-beta"] == BETAS
    assert seen.body == body | {"model": "a-name-for-insiders"}


def test_they_reach_it_with_a_count_of_tokens(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says(), counting=counts(321))
    body = turn(script.prompt)
    del body["max_tokens"], body["stream"]

    answer = send(customer, body, "/v1/messages/count_tokens?beta=true")

    assert answer.json() == {"input_tokens": 321}
    [seen] = script.counts
    assert (seen.headers["anthropic-version"], seen.headers["anthropic-beta"]) == (
        "2023-06-01",
        BETAS,
    )
    assert customer.charges() == []


VERSIONS: list[tuple[str, dict[str, Any], str]] = [
    ("2026-10-21", {}, "2026-10-21"),
    ("2030-01-01", {}, "2030-01-01"),
    # The newer version rejects these, and clients send both.
    ("2026-10-21", {"temperature": 0.5}, "2023-06-01"),
    ("2026-10-21", {"top_k": 5}, "2023-06-01"),
    ("", {}, "2023-06-01"),
    ("2023-06-01, 2023-06-01", {}, "2023-06-01"),
]


@pytest.mark.parametrize(("version", "fields", "sent"), VERSIONS)
def test_the_version_is_the_callers_unless_no_upstream_takes_it(
    customer: Customer,
    upstream: ScriptedUpstream,
    version: str,
    fields: dict[str, Any],
    sent: str,
) -> None:
    script = upstream.script(says())

    customer.ask(script.prompt, headers={"anthropic-version": version}, **fields)

    assert script.requests[0].headers["anthropic-version"] == sent


def test_a_chat_upstream_receives_neither_nor_the_attribution_block(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())

    assert send(customer, turn(script.prompt, model="scripted/chat")).status == 200

    [seen] = script.requests
    assert not [name for name in seen.headers if name.startswith("anthropic-")]
    assert ATTRIBUTION not in seen.raw.decode()
    assert seen.body["messages"][0] == {"role": "system", "content": "You are an agent."}


def test_the_session_is_taken_for_attribution(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    send(customer, turn(upstream.script(says()).prompt))

    record = customer.wait_for_record()
    assert record.session_id == HEADERS[labels.SESSION]
    assert record.user_label == '{"device_id":"d","session_id":"s"}'


@pytest.mark.parametrize(
    "names", [("authorization",), ("x-api-key",), ("authorization", "x-api-key")]
)
def test_a_credential_may_come_in_either_header_or_in_both(
    customer: Customer, upstream: ScriptedUpstream, names: tuple[str, ...]
) -> None:
    values = {"authorization": f"Bearer {customer.token}", "x-api-key": customer.token}
    caller = Caller(customer.url, None)
    script = upstream.script(says())

    answer = caller.post(
        "/v1/messages", request_body(script.prompt), {name: values[name] for name in names}
    )

    assert answer.status == 200


@pytest.mark.parametrize("credential", ["authorization", "x-api-key"])
def test_models_are_discovered(customer: Customer, credential: str) -> None:
    """At the address itself: a redirect is a failure. Only ids and names are read."""
    values = {"authorization": f"Bearer {customer.token}", "x-api-key": customer.token}
    caller = Caller(customer.url, None)

    answer = caller.get("/v1/models?limit=1000", {credential: values[credential]})

    assert answer.status == 200
    listed = {model["id"]: model["display_name"] for model in answer.json()["data"]}
    assert listed["scripted/messages"] == "Scripted"
    assert not answer.json()["has_more"]


@pytest.mark.parametrize("path", ["/", "/api/hello"])
def test_the_probe_that_warms_a_connection_breaks_nothing(
    customer: Customer, upstream: ScriptedUpstream, path: str
) -> None:
    probe = Caller(customer.url, None).call("HEAD", path)
    assert probe.response.status < 500
    probe.hang_up()
    assert customer.ask(upstream.script(says()).prompt).status == 200


@pytest.mark.parametrize("model", ["scripted/messages", "scripted/chat"])
def test_an_answer_streams_as_it_arrives(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    """The first word is read before the upstream has sent the second."""
    script = upstream.script(_in_two(model))
    call = customer.begin(script.prompt, model=model, stream=True)

    first = call.read_until("content_block_delta")

    assert first.data["delta"]["text"] == "Hello"
    script.release()
    assert [one.kind for one in call.events()][-1] == "message_stop"


def _in_two(model: str) -> Any:
    wire = CHAT if model == "scripted/chat" else MESSAGES
    return streams(*wire.beginning, wait, *wire.rest)


def test_pings_are_forwarded(customer: Customer, upstream: ScriptedUpstream) -> None:
    start, *rest = events()
    script: Script = upstream.script(streams(start, event("ping"), event("ping"), *rest))

    call = customer.begin(script.prompt, stream=True)

    assert [one.kind for one in call.events()].count("ping") == 2


# Claude Code matches on these words: it retries without the capability, compacts the conversation,
# or lowers `max_tokens`.
WORDS = [
    "context_management: Extra inputs are not permitted",
    "tools.0.custom.defer_loading: Extra inputs are not permitted",
    "output_config: Extra inputs are not permitted",
    "adaptive thinking is not supported on this model",
    "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 5000 + 32000 > 14000",
    "max_tokens: 32000 > 4096, which is the maximum allowed number of output tokens for "
    "scripted/messages",
    "messages.1.role: Input should be 'user' or 'assistant'",
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("words", WORDS)
def test_errors_keep_the_words_that_it_acts_on(
    customer: Customer, upstream: ScriptedUpstream, words: str, stream: bool
) -> None:
    error = {"type": "invalid_request_error", "message": words}
    body = json.dumps({"type": "error", "error": error}).encode()
    script = upstream.script(answers(body, status=400))

    answer = send(customer, turn(script.prompt, stream=stream))

    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert answer.error["message"] == words
    assert customer.charges() == []
