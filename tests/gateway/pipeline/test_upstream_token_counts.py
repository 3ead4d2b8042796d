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
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually
from usage import roll_up

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
    absurd = usage(2**31 - 1, 2**31 - 1)
    script = upstream.script(streams(*events(start_usage=absurd, end_usage=absurd)))

    seen = customer.stream(script.prompt).transcript

    record = customer.wait_for_record()
    assert seen.usage["credits_consumed"] == record.credits == customer.charges()[0] < 3000
    assert record.credits + record.lost_credits == 3 * (2**31 - 1)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("model", ["scripted/dearest", "scripted/messages"])
def test_no_count_is_too_much_for_the_books(
    customer: Customer, upstream: ScriptedUpstream, model: str, stream: bool
) -> None:
    customer.give(10**10)
    lies = [usage(2**52, 2**52), usage(2**31 - 1, 2**31 - 1, cache_write=2**31 - 1)]

    for counts in lies:
        frames = events(start_usage=counts, end_usage=counts)
        whole = message(usage=counts)
        script = upstream.script(streams(*frames) if stream else answers(whole))
        assert customer.ask(script.prompt, model=model, stream=stream).status == 200

    disbelieved, believed = eventually(lambda: customer.records()[1:] and customer.records())
    assert (disbelieved.is_usage_estimated, believed.is_usage_estimated) == (True, False)
    assert customer.charges() == [disbelieved.credits, believed.credits]
    roll_up.roll_up()
    assert sums_of(customer.workspace, "usage_day")["credits"] == sum(customer.charges())


def _as_chat(counts: Any) -> Any:
    if not isinstance(counts, dict):
        return counts
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
    return {names[name]: value for name, value in counts.items() if name in names}
