"""What of a request reaches a Messages upstream: all of it, what is listed, or all but the dear."""

import json
from typing import Any

import pytest

from catalogue.snapshot import UpstreamRow
from gateway.errors import InvalidRequest
from gateway.formats import FORMATS
from gateway.formats.protocol import EncodedRequest
from gateway.request import parse

MINIMAL = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
FILE = {"type": "file", "file_id": "file_011CNha8iCJcU1wXNR6q4V8w"}
ALL = ("*",)


def upstream(allow: tuple[str, ...] | None) -> UpstreamRow:
    return UpstreamRow(1, "messages", "http://u", "real", "", 0, 1, allow=allow)


def sent(
    allow: tuple[str, ...] | None = None, *, beta: str | None = None, **fields: Any
) -> EncodedRequest:
    """The request as the upstream receives it; counting its tokens must let the same pass."""
    wire = FORMATS["messages"]
    body = json.dumps(MINIMAL | fields).encode()
    request = parse.messages_request(body)
    encoded = wire.encode_request(
        request,
        upstream_model="m",
        max_tokens=10,
        stream=False,
        beta=beta,
        upstream=upstream(allow),
    )
    counting = wire.encode_count(request, upstream_model="m", beta=beta, upstream=upstream(allow))
    assert counting is not None
    assert counting.headers == encoded.headers
    counted, whole = json.loads(counting.body), json.loads(encoded.body)
    assert counted == {k: v for k, v in whole.items() if k not in parse.NOT_COUNTED}
    return encoded


def added(request: EncodedRequest) -> dict[str, Any]:
    """What it has beside the minimum."""
    body: dict[str, Any] = json.loads(request.body)
    assert body.pop("stream") is False
    return {name: value for name, value in body.items() if MINIMAL.get(name) != value}


DEFAULTS: list[dict[str, Any]] = [
    {"service_tier": "auto"},
    {"service_tier": "standard_only"},
    {"speed": "standard"},
    {"speed": None},
    {"diagnostics": {"previous_message_id": "msg_1"}},
    {"diagnostics": None},
    {"fallbacks": []},
    {"fallbacks": [{"model": "a-dear-one"}]},
    {"mcp_servers": []},
    {"mcp_servers": None},
    {"container": None},
    {"container": ""},
    {"container": {}},
    {"inference_geo": "global"},
    {"inference_geo": None},
    {"billing_policy": None},
]


@pytest.mark.parametrize("fields", DEFAULTS, ids=str)
@pytest.mark.parametrize("allow", [None, (), ("field:context_management",)], ids=str)
def test_values_that_nobody_asked_for_are_dropped(
    fields: dict[str, Any], allow: tuple[str, ...] | None
) -> None:
    request = sent(allow, **fields)
    assert added(request) == {}
    assert request.dropped == ()  # a Messages API has them


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"mcp_servers": [{"type": "url", "url": "https://mcp.example.com"}]}, "mcp_servers", ""),
    ({"container": "container_011CPR5CNjB747bTd36fQLFk"}, "container", ""),
    ({"container": {"skills": [{"type": "anthropic", "skill_id": "pdf"}]}}, "container", ""),
    ({"speed": "fast"}, "speed", ""),
    ({"inference_geo": "us"}, "inference_geo", ""),
    ({"billing_policy": {"type": "overage"}}, "billing_policy", ""),
    ({"user_profile_id": "uprof_1"}, "user_profile_id", ""),
    (
        {"messages": [{"role": "user", "content": [{"type": "image", "source": FILE}]}]},
        "file_id",
        "messages.0.content.0.source.",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "document", "source": FILE}]}]},
        "file_id",
        "messages.0.content.0.source.",
    ),
    (
        {"messages": [{"role": "user", "content": [FILE | {"type": "container_upload"}]}]},
        "file_id",
        "messages.0.content.0.",
    ),
]


@pytest.mark.parametrize(("fields", "name", "place"), REFUSED, ids=str)
def test_what_is_dear_or_not_the_callers_is_refused_unless_it_is_listed(
    fields: dict[str, Any], name: str, place: str
) -> None:
    for allow in (None, (), ("field:other", "beta:*", "tool:*")):
        with pytest.raises(InvalidRequest) as refused:
            sent(allow, **fields)
        assert refused.value.message == f"{place}{name}: Extra inputs are not permitted"
    for allow in (ALL, (f"field:{name}",), ("field:*",)):
        assert added(sent(allow, **fields)) == fields


TOOLS = ["web_search_20250305", "web_fetch_20250910", "code_execution_20250825", "mcp_toolset"]


@pytest.mark.parametrize("kind", TOOLS)
def test_a_tool_that_the_provider_runs_is_refused_unless_it_is_listed(kind: str) -> None:
    own = {"name": "clock", "input_schema": {"type": "object"}}
    tools = [own, {"type": kind, "name": "a_tool"}]
    for allow in (None, (), ("tool:bash_*", "field:*")):
        with pytest.raises(InvalidRequest) as refused:
            sent(allow, tools=tools)
        assert refused.value.message.startswith(f"tools.1: Input tag '{kind}' found using 'type'")
    for allow in (ALL, (f"tool:{kind[:8]}*",)):
        assert added(sent(allow, tools=tools)) == {"tools": tools}


@pytest.mark.parametrize("kind", ["bash_20250124", "memory_20250818", "tool_search_tool_regex"])
def test_a_tool_of_the_provider_that_the_caller_runs_passes_without_a_list(kind: str) -> None:
    tools = [{"type": kind, "name": "a_tool"}]
    assert added(sent(None, tools=tools)) == {"tools": tools}
    with pytest.raises(InvalidRequest, match=r"tools\.0: Input tag"):
        sent(("field:*",), tools=tools)


def test_keys_that_no_messages_api_has_are_dropped_and_named() -> None:
    keys = {"n": 5, "best_of": 9, "priority": -1, "stream_options": {"include_usage": True}}
    usual = {"temperature": 0.5, "metadata": {"user_id": "u"}}
    request = sent(None, **keys, **usual)
    assert added(request) == usual
    assert request.dropped == tuple(keys)

    one = sent(("field:n", "field:best*"), **keys)
    assert added(one) == {"n": 5, "best_of": 9}
    assert one.dropped == ("priority", "stream_options")
    assert added(sent(ALL, **keys)) == keys
    assert sent(ALL, **keys).dropped == ()


def test_they_are_named_where_the_other_format_has_no_place_for_them() -> None:
    body = json.dumps(MINIMAL | {"n": 5, "priority": 1, "service_tier": "auto"}).encode()
    encoded = FORMATS["chat_completions"].encode_request(
        parse.messages_request(body), upstream_model="m", max_tokens=10, stream=False
    )
    assert encoded.dropped == ("n", "priority")
    assert not {"n", "priority"} & json.loads(encoded.body).keys()


@pytest.mark.parametrize(
    ("allow", "beta", "passes"),
    [
        (None, "one-2026-01-01, two,three", "one-2026-01-01, two,three"),
        (None, "a-1,context-1m-2025-08-07,b-2", "a-1,b-2"),
        (None, "context-1m-2025-08-07", None),
        (None, "fast-mode-2026-02-01,mcp-client-2025-11-20", None),
        (("beta:context-1m-*",), "a-1, context-1m-2025-08-07", "context-1m-2025-08-07"),
        ((), "a-1", None),
        (
            ALL,
            "context-1m-2025-08-07,fast-mode-2026-02-01",
            "context-1m-2025-08-07,fast-mode-2026-02-01",
        ),
    ],
)
def test_betas_that_have_a_price_are_taken_out(
    allow: tuple[str, ...] | None, beta: str, passes: str | None
) -> None:
    assert sent(allow, beta=beta).headers.get("anthropic-beta") == passes


def test_a_beta_is_taken_out_together_with_its_field() -> None:
    fields = {
        "context_management": {"edits": []},
        "output_config": {"effort": "low", "task_budget": {"type": "tokens", "total": 9}},
        "speed": "standard",
    }
    beta = "context-management-2025-06-27,task-budgets-2026-03-13,fast-mode-2026-02-01"
    assert added(sent(("field:*",), beta=beta, **fields)) == {
        "output_config": {"effort": "low"},
        "speed": "standard",
    }
    kept = sent(None, beta=beta, **fields)
    assert kept.headers["anthropic-beta"] == "context-management-2025-06-27,task-budgets-2026-03-13"
    assert added(kept) == {name: fields[name] for name in ("context_management", "output_config")}


def test_a_list_keeps_out_what_it_does_not_name() -> None:
    assert added(sent((), context_management={"edits": []})) == {}
    schema = {"type": "json_schema", "schema": {"type": "object"}}
    with pytest.raises(InvalidRequest, match="output_format: Extra inputs are not permitted"):
        sent((), output_format=schema)
    assert added(sent(("field:output_*",), output_format=schema)) == {"output_format": schema}
