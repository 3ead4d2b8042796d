"""The order of the usage reports in a stream does not change what they come to."""

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reply.events import Usage
from tests.support import chat_completions, chat_stream, messages_stream
from tests.support.chat_completions import decoded

counts = st.one_of(st.none(), st.integers(0, 60), st.integers(0, 60).map(str))


def some(**members: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


chat_reports = some(
    prompt_tokens=counts,
    completion_tokens=counts,
    total_tokens=counts,
    cached_tokens=counts,
    prompt_cache_hit_tokens=counts,
    cache_creation_input_tokens=counts,
    prompt_tokens_details=some(cached_tokens=counts, cache_write_tokens=counts),
    completion_tokens_details=some(reasoning_tokens=counts),
)
iterations = st.lists(
    some(type=st.sampled_from(["message", "compaction"]), input_tokens=counts, output_tokens=counts)
)
message_reports = some(
    input_tokens=counts,
    output_tokens=counts,
    cache_read_input_tokens=counts,
    cache_creation_input_tokens=counts,
    cache_creation=some(ephemeral_5m_input_tokens=counts, ephemeral_1h_input_tokens=counts),
    output_tokens_details=some(thinking_tokens=counts),
    iterations=iterations,
)


def chat_usage(reports: tuple[dict[str, Any], ...]) -> Usage:
    frames = [chat_stream.frame({"choices": [], "usage": report}) for report in reports]
    return _usage(
        chat_stream.new_stream(),
        [chat_stream.text("Hello"), chat_stream.chunk({}, "stop"), *frames, chat_stream.DONE],
    )


def messages_usage(reports: tuple[dict[str, Any], ...]) -> Usage:
    deltas = [{"type": "message_delta", "delta": {}, "usage": report} for report in reports]
    sent = [messages_stream.start(), *messages_stream.HELLO, *deltas, *messages_stream.ending()]
    return _usage(messages_stream.new_stream(), list(map(messages_stream.frame, sent)))


def _usage(stream: Any, frames: list[bytes]) -> Usage:
    events = [event for frame in frames for event in stream.feed(frame)]
    usage: Usage = events[-2].usage
    return usage


@given(st.lists(chat_reports, min_size=2, max_size=4))
def test_no_order_of_chat_reports_changes_the_usage(reports: list[dict[str, Any]]):
    orders = {_key(chat_usage(order)) for order in permutations(reports)}
    assert len(orders) == 1


@given(st.lists(message_reports, min_size=2, max_size=3))
def test_no_order_of_message_reports_changes_the_usage(reports: list[dict[str, Any]]):
    orders = {_key(messages_usage(order)) for order in permutations(reports)}
    assert len(orders) == 1


@given(chat_reports)
def test_a_streamed_report_comes_to_the_same_as_a_plain_one(report: dict[str, Any]):
    request = chat_completions.request(**chat_stream.REQUEST)
    reply = decoded({"content": "Hello"}, checked=request, usage=report)
    assert chat_usage((report,)) == reply.usage or not report


@given(chat_reports)
def test_the_parts_of_the_input_never_exceed_it(report: dict[str, Any]):
    usage = chat_usage((report,))
    parts = (
        usage.input_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_read_input_tokens,
        usage.output_tokens,
    )
    assert min(parts) >= 0


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        # A total that nothing explains: the reported counts stand.
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 90,
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            (10, 5),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 3}, (10, 5)),
        ({"prompt_tokens": 10, "total_tokens": 10}, (10, 2)),  # nothing reported: our own count
    ],
)
def test_a_total_is_believed_only_where_it_explains_something(
    report: dict[str, Any], expected: tuple[int, int]
):
    usage = chat_usage((report,))
    assert (usage.input_tokens, usage.output_tokens) == expected


def _key(usage: Usage) -> str:
    return json.dumps(
        {
            "counts": usage.to_wire(),
            "is_estimated": usage.is_estimated,
        },
        sort_keys=True,
    )
