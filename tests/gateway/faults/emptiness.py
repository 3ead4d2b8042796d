"""Answers without content: a fault of a server that counted output and lost it, else an answer.

They cost 14 tokens in and 23 out, unless a row says otherwise.
"""

from collections.abc import Iterator
from typing import Any

from tests.gateway.faults.table import (
    ANSWERED,
    CHAT_ONLY,
    CHAT_PLAIN,
    CHAT_STREAMED,
    EMPTY,
    MESSAGES_PLAIN,
    MESSAGES_STREAMED,
    Fault,
    Way,
    in_every_format,
)
from tests.support.replies import (
    answers,
    chunk,
    completion,
    data_event,
    event,
    events,
    message,
    says,
    streams,
    then,
)
from tests.support.scripted_upstream import Exchange, Play

COUNTS = {"prompt_tokens": 14, "completion_tokens": 23, "total_tokens": 37}
REASONED = COUNTS | {"completion_tokens_details": {"reasoning_tokens": 23}}
ROLE = chunk({"role": "assistant", "content": ""})
DONE = b"data: [DONE]\n\n"
NOTHING = {"type": "text", "text": ""}


def _chat(usage: dict[str, Any] = COUNTS, *, finish: str | None = "stop", **reply: Any) -> Play:
    """An empty answer of chat completions, in the requested form."""
    message = {"role": "assistant", "content": ""} | reply
    whole = completion(choices=[{"message": message, "finish_reason": finish}], usage=usage)
    report = data_event({"choices": [], "usage": usage})
    frames = [ROLE, chunk(reply, finish_reason=finish), report, DONE]

    async def play(exchange: Exchange) -> None:
        # In one piece, so that nothing is delivered before the end is known.
        await (streams(b"".join(frames)) if exchange.wants_stream else answers(whole))(exchange)

    return play


def _messages(reason: str = "end_turn", stop: str | None = None) -> Iterator[tuple[str, Play, Any]]:
    ending = {"stop_reason": reason, "stop_sequence": stop}
    yield "plain", answers(message(content=[], **ending)), MESSAGES_PLAIN
    start, *_, end = events()
    counts = {"input_tokens": 14, "output_tokens": 23}
    delta = event("message_delta", delta=ending, usage=counts)
    yield "streamed", streams(start, delta, end), MESSAGES_STREAMED


def _fault(
    name: str, play: Play, outcome: Any, ways: tuple[Way, ...] = CHAT_ONLY, **fields: Any
) -> Fault:
    return Fault(f"empty: {name}", in_every_format(play), outcome, ways, fields=fields)


def _answer(reason: str) -> Any:
    return ANSWERED.with_content(NOTHING, stop_reason=reason)


def _of_messages() -> Iterator[Fault]:
    for way, play, ways in _messages():
        yield _fault(f"an end of turn, {way}", play, _answer("end_turn"), ways)
    for way, play, ways in _messages("max_tokens"):
        yield _fault(f"at the limit, {way}", play, _answer("max_tokens"), ways)
    for way, play, ways in _messages("refusal"):
        yield _fault(f"a refusal, {way}", play, _answer("refusal"), ways)
    for way, play, ways in _messages("stop_sequence", "END"):
        outcome = _answer("stop_sequence")
        yield _fault(f"a stop sequence, {way}", play, outcome, ways, stop_sequences=["END"])
    for way, play, ways in _messages("max_tokens"):
        yield _fault(f"a warm-up, {way}", play, _answer("max_tokens"), ways, max_tokens=0)


FAULTS = [
    _fault("output that was lost", _chat(), EMPTY),
    _fault("output that was lost, and no reason", _chat(finish=None), EMPTY),
    _fault("content of null", _chat(content=None), EMPTY, CHAT_PLAIN),
    Fault(
        "empty: lost twice, and not tried again",
        lambda wire: then(_chat(), _chat(), says()),
        EMPTY,
        CHAT_ONLY,
    ),
    _fault("lost once", then(_chat(), answers(completion())), ANSWERED, CHAT_PLAIN)._replace(
        needs_retry=True
    ),
    _fault(
        "lost once, streamed",
        then(
            _chat(),
            streams(
                ROLE,
                chunk({"content": "Hello there"}, finish_reason="stop"),
                data_event({"choices": [], "usage": COUNTS}),
                DONE,
            ),
        ),
        ANSWERED,
        CHAT_STREAMED,
    )._replace(needs_retry=True),
    _fault("all of it reasoning", _chat(REASONED), _answer("end_turn")),
    _fault(
        "all of it reasoning, at the limit", _chat(REASONED, finish="length"), _answer("max_tokens")
    ),
    _fault("at the limit of a chat", _chat(finish="length"), _answer("max_tokens")),
    _fault("a warm-up", _chat(), _answer("end_turn"), max_tokens=0),
    _fault("filtered", _chat(finish="content_filter"), _answer("refusal")),
    _fault("a stop sequence at once", _chat(), _answer("end_turn"), stop_sequences=["END"]),
    *_of_messages(),
]
