"""What an upstream counts is believed as far as it can be, and never beyond the hold."""

from typing import Any

import pytest

from tests.support.customers import Customer
from tests.support.replies import (
    answers,
    chunks,
    completion,
    event,
    events,
    message,
    streams,
    usage,
)
from tests.support.roll_ups import sums_of
from tests.support.scripted_upstream import Play, ScriptedUpstream
from tests.support.waiting import eventually
from usage import roll_up

MAX_TOKENS = 100
COMPACTION = {"edits": [{"type": "compact_20260112"}]}
HELPER = "scripted/helper"
IMAGE_BY_ADDRESS = {
    "type": "image",
    "source": {"type": "url", "url": "https://example.com/picture.png"},
}
UNBELIEVABLE: dict[str, Any] = {
    "none": None,
    "nothing": {},
    "negative": usage(-1, -5),
    "beyond any number": usage(2**63, 2**63),
    "beyond any model": usage(2**31, 2**31),
    "words": {"input_tokens": "many", "output_tokens": "more"},
    "fractions": {"input_tokens": 1.5, "output_tokens": 2.5},
    "lists": {"input_tokens": [14], "output_tokens": [23]},
    "no number at all": "usage",
    "zero against the evidence": usage(0, 0),
}


@pytest.mark.parametrize("counts", UNBELIEVABLE.values(), ids=UNBELIEVABLE.keys())
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("model", ["scripted/messages", "scripted/chat"])
def test_without_a_believable_count_the_call_is_counted_by_what_was_delivered(
    customer: Customer, upstream: ScriptedUpstream, model: str, stream: bool, counts: Any
) -> None:
    """Flagged, never for nothing, and by the same number in all three places."""
    text = "word " * 40
    if model == "scripted/chat":
        frames = chunks(text, token_usage=_as_chat(counts))
        whole = completion(text, usage=_as_chat(counts))
    else:
        frames = events(text, start_usage=counts, end_usage=counts)
        whole = message(text, usage=counts)
    script = upstream.script(streams(*frames) if stream else answers(whole))

    answer = customer.ask(script.prompt, model=model, stream=stream)

    counted = answer.transcript.usage if stream else answer.json()["usage"]
    record = customer.wait_for_record()
    assert record.is_usage_estimated
    assert counted["output_tokens"] == record.output_tokens == 200 // 4
    assert 1 <= counted["input_tokens"] == record.input_tokens <= 60
    charge = counted["input_tokens"] + 2 * counted["output_tokens"]
    assert counted["credits_consumed"] == record.credits == charge
    assert customer.charges() == [charge]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("model", ["scripted/messages", "scripted/chat"])
@pytest.mark.parametrize(
    ("counts", "believed"),
    [(usage(14, 0), "input_tokens"), (usage(0, 23), "output_tokens")],
    ids=["output", "input"],
)
def test_a_count_that_is_missing_leaves_the_other_as_it_is(
    customer: Customer,
    upstream: ScriptedUpstream,
    model: str,
    stream: bool,
    counts: Any,
    believed: str,
) -> None:
    text = "word " * 40
    if model == "scripted/chat":
        frames = chunks(text, token_usage=_as_chat(counts))
        whole = completion(text, usage=_as_chat(counts))
    else:
        frames = events(text, start_usage=counts, end_usage=counts)
        whole = message(text, usage=counts)
    script = upstream.script(streams(*frames) if stream else answers(whole))

    answer = customer.ask(script.prompt, model=model, stream=stream)

    counted = answer.transcript.usage if stream else answer.json()["usage"]
    assert counted[believed] == counts[believed]
    other = {"input_tokens": range(1, 60), "output_tokens": [50]}
    del other[believed]
    [(name, expected)] = other.items()
    assert counted[name] in expected
    record = customer.wait_for_record()
    assert record.is_usage_estimated
    charge = counted["input_tokens"] + 2 * counted["output_tokens"]
    assert counted["credits_consumed"] == record.credits == charge
    assert customer.charges() == [charge]


def test_a_count_that_shrinks_is_not_believed(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    *start, end, stop = events(start_usage=usage(14, 1), end_usage=usage(14, 23))
    less = event("message_delta", delta={}, usage=usage(2, 3))
    script = upstream.script(streams(*start, end, less, stop))

    seen = customer.stream(script.prompt).transcript

    assert (seen.usage["input_tokens"], seen.usage["output_tokens"]) == (14, 23)
    assert customer.charges() == [60]


def test_a_count_beyond_the_hold_is_our_loss(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    much = usage(14, 4 * MAX_TOKENS + 1024)
    script = upstream.script(streams(*events(start_usage=much, end_usage=much)))

    seen = customer.stream(script.prompt, max_tokens=MAX_TOKENS).transcript

    record = customer.wait_for_record()
    assert seen.usage["credits_consumed"] == record.credits == customer.charges()[0] < 2000
    assert record.credits + record.lost_credits == 14 + 2 * (4 * MAX_TOKENS + 1024)
    assert not record.is_usage_estimated


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("model", ["scripted/messages", "scripted/chat"])
@pytest.mark.parametrize(
    ("counts", "kept"),
    [
        (usage(14, 4 * MAX_TOKENS + 1025), "input_tokens"),
        (usage(20_000, 23), "output_tokens"),
        (usage(20_000, 9_000), None),
    ],
    ids=["output", "input", "both"],
)
def test_a_count_that_no_answer_can_have_is_replaced_by_our_own(
    customer: Customer,
    upstream: ScriptedUpstream,
    model: str,
    stream: bool,
    counts: dict[str, int],
    kept: str | None,
) -> None:
    script = upstream.script(_answers(model, stream, "word " * 40, counts))

    answer = customer.ask(script.prompt, model=model, stream=stream, max_tokens=MAX_TOKENS)

    counted = answer.whole()["usage"]
    expected = {"input_tokens": range(1, 60), "output_tokens": [50]}
    for name, possible in expected.items():
        assert counted[name] in ([counts[name]] if name == kept else possible)
    record = customer.wait_for_record()
    assert record.is_usage_estimated
    assert customer.charges() == [counted["input_tokens"] + 2 * counted["output_tokens"]]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": [IMAGE_BY_ADDRESS]}]},
        {"tools": [{"type": "web_search_20260209", "name": "web_search", "max_uses": 1}]},
        {"context_management": COMPACTION},
    ],
    ids=["an image by its address", "a tool of the provider", "compaction"],
)
def test_input_that_the_body_does_not_hold_is_believed(
    customer: Customer, upstream: ScriptedUpstream, fields: dict[str, Any], stream: bool
) -> None:
    counts = usage(20_000, 23)
    script = upstream.script(_answers("scripted/open", stream, "word", counts))
    if "messages" in fields:
        text = {"type": "text", "text": script.prompt}
        fields = {"messages": [{"role": "user", "content": [IMAGE_BY_ADDRESS, text]}]}

    answer = customer.ask(script.prompt, stream=stream, **{"model": "scripted/open"} | fields)

    assert answer.whole()["usage"]["input_tokens"] == 20_000
    assert not customer.wait_for_record().is_usage_estimated


def test_a_helper_model_without_a_price_is_refused_before_the_call(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(answers(message()))
    customer.give(10**7)
    advisor = {"type": "advisor_20260301", "name": "advisor", "max_uses": 1}

    refused = customer.ask(script.prompt, tools=[advisor | {"model": "nobody-sells-it"}])
    assert refused.status == 400
    assert "nobody-sells-it" in refused.error["message"]
    assert not script.requests

    taken = customer.ask(script.prompt, tools=[advisor | {"model": "helper-for-insiders"}])
    assert taken.status == 200


def test_the_iterations_are_passed_on_with_our_names_for_the_models(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    """And the record counts the tokens of all of them."""
    of_helper = usage(100, 30) | {"type": "advisor_message", "model": "helper-for-insiders"}
    of_message = usage(10, 5) | {"type": "message"}
    counts = usage(10, 5) | {"iterations": [of_message, of_helper]}

    for stream in (False, True):
        script = upstream.script(_answers("scripted/messages", stream, "word", counts))
        seen = customer.ask(script.prompt, stream=stream, max_tokens=4096).whole()["usage"]

        assert seen["iterations"] == [of_message, of_helper | {"model": HELPER}]
        assert (seen["input_tokens"], seen["output_tokens"]) == (10, 5)

    for record in eventually(lambda: customer.records()[1:] and customer.records()):
        assert (record.input_tokens, record.output_tokens) == (110, 35)
        assert {line["model"] for line in record.lines} == {"scripted/messages", HELPER}
        assert sum(line["units"] * line["price"] for line in record.lines) == 180 * 10**6


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("model", ["scripted/dearest", "scripted/messages"])
def test_no_count_is_too_much_for_the_books(
    customer: Customer, upstream: ScriptedUpstream, model: str, stream: bool
) -> None:
    customer.give(10**10)
    most = 2**31 - 1
    # Where a conversation is compacted and as much reasoning is reported, every count is possible.
    possible = usage(most, most, cache_write=most) | {
        "output_tokens_details": {"thinking_tokens": most}
    }

    for counts in (usage(2**52, 2**52), possible):
        frames = events(start_usage=counts, end_usage=counts)
        whole = message(usage=counts)
        script = upstream.script(streams(*frames) if stream else answers(whole))
        fields = {"model": model, "stream": stream, "context_management": COMPACTION}
        assert customer.ask(script.prompt, **fields).status == 200

    disbelieved, believed = eventually(lambda: customer.records()[1:] and customer.records())
    assert (disbelieved.is_usage_estimated, believed.is_usage_estimated) == (True, False)
    assert customer.charges() == [disbelieved.credits, believed.credits]
    roll_up.roll_up()
    assert sums_of(customer.workspace, "usage_day")["credits"] == sum(customer.charges())


def _answers(model: str, stream: bool, text: str, counts: Any) -> Play:
    """A valid answer with these counts, of a Messages server or of chat completions."""
    if model == "scripted/chat":
        token_usage = _as_chat(counts)
        whole = completion(text, usage=token_usage)
        return streams(*chunks(text, token_usage=token_usage)) if stream else answers(whole)
    whole = message(text, usage=counts)
    frames = events(text, start_usage=counts, end_usage=counts)
    return streams(*frames) if stream else answers(whole)


def _as_chat(counts: Any) -> Any:
    if not isinstance(counts, dict):
        return counts
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
    return {names[name]: value for name, value in counts.items() if name in names}
