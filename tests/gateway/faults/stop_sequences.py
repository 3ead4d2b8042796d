"""More stop sequences than servers of chat completions take: the gateway ends the answer itself.

The server counts what it has written by the end, of which the caller receives a part: the output
is counted by us. The input is as it was reported, if that came before the end.
"""

from collections.abc import Iterator
from typing import Any

from tests.gateway.faults.table import (
    ANSWERED,
    CHAT_ONLY,
    CHAT_PLAIN,
    CHAT_STREAMED,
    COUNTED_BY_US,
    MESSAGES_ONLY,
    Fault,
    Outcome,
    Way,
    in_every_format,
)
from tests.support.replies import answers, chunk, completion, data_event, says, streams, wait
from tests.support.scripted_upstream import Exchange, Play

STOPS = {"stop_sequences": ["One", "Two", "Three", "Four", "END"]}
COUNTS = {"prompt_tokens": 14, "completion_tokens": 23, "total_tokens": 37}
ROLE = chunk({"role": "assistant", "content": ""})
REPORT = data_event({"choices": [], "usage": COUNTS})
DONE = b"data: [DONE]\n\n"
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
THOUGHT = {"type": "thinking", "thinking": "To the END."}
# "Hello there" is three tokens long.
STOPPED = ANSWERED.with_content(
    {"type": "text", "text": "Hello there"}, stop_reason="stop_sequence"
).counting(3)


def _fault(
    name: str, play: Play, outcome: Outcome, ways: tuple[Way, ...] = CHAT_STREAMED, **fields: Any
) -> Fault:
    name = f"stop sequences: {name}"
    return Fault(name, in_every_format(play), outcome, ways, fields={**STOPS, **fields})


def _stream(*deltas: Any, finish: str = "stop", report: bytes = REPORT) -> Play:
    """A chunk for each delta, or for each text; other steps as they are. The counts come first, as
    from servers that report them with each chunk."""
    steps = [chunk({"content": one}) if isinstance(one, str) else one for one in deltas]
    steps = [chunk(one) if isinstance(one, dict) else one for one in steps]
    return streams(ROLE, report, *steps, chunk({}, finish_reason=finish), REPORT, DONE)


def _whole(text: str | None, finish: str = "stop", **members: Any) -> Play:
    reply = {"role": "assistant", "content": text} | members
    return answers(completion(choices=[{"message": reply, "finish_reason": finish}]))


def _in_pieces() -> Iterator[Fault]:
    """Where the chunks of a stream are cut does not matter."""
    text = "Hello thereEND and more"
    for size in (1, 2, 5, len(text)):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        yield _fault(f"in pieces of {size}", _stream(*pieces), STOPPED)


async def _until_left(exchange: Exchange) -> None:
    """Stream on and on: only a caller that leaves ends it."""
    await exchange.begin_events()
    await exchange.chunk(ROLE + REPORT + chunk({"content": "Hello thereEND"}))
    await exchange.stay_silent()


FAULTS = [
    *_in_pieces(),
    _fault("plain", _whole("Hello thereEND and more"), STOPPED, CHAT_PLAIN),
    _fault("the last word", _stream("Hello there", "END"), STOPPED),
    _fault("the last word, plain", _whole("Hello thereEND"), STOPPED, CHAT_PLAIN),
    _fault("at the limit", _stream("Hello thereEND", finish="length"), STOPPED),
    _fault("at the limit, plain", _whole("Hello thereEND", "length"), STOPPED, CHAT_PLAIN),
    _fault("after a pause", _stream("Hello there", wait, "END"), STOPPED),
    _fault("and the server goes on", _until_left, STOPPED),
    _fault("the first of two", _stream("Hello thereTwo and END"), STOPPED),
    _fault("the first of two, plain", _whole("Hello thereTwo and END"), STOPPED, CHAT_PLAIN),
    _fault(
        "no counts before it",
        _stream("Hello there", "END", report=b": none\n\n"),
        COUNTED_BY_US.with_content(*STOPPED.content, stop_reason="stop_sequence"),
    ),
    _fault(
        "at once",
        _stream("END and more"),
        ANSWERED.with_content({"type": "text", "text": ""}, stop_reason="stop_sequence").counting(
            0
        ),
    ),
    _fault(
        "at once, plain",
        _whole("END and more"),
        ANSWERED.with_content({"type": "text", "text": ""}, stop_reason="stop_sequence").counting(
            0
        ),
        CHAT_PLAIN,
    ),
    # A call that comes with it, or later, is not of this answer.
    _fault(
        "with a call",
        _stream({"content": "Hello thereEND", "tool_calls": [CALL | {"index": 0}]}),
        STOPPED,
    ),
    _fault(
        "before a call", _stream("Hello thereEND", {"tool_calls": [CALL | {"index": 0}]}), STOPPED
    ),
    _fault(
        "before a call, plain",
        _whole("Hello thereEND", "tool_calls", tool_calls=[CALL]),
        STOPPED,
        CHAT_PLAIN,
    ),
    # The model may think of it: three tokens more.
    _fault(
        "thought of",
        _stream({"reasoning_content": "To the END."}, "Hello thereEND"),
        ANSWERED.with_content(THOUGHT, *STOPPED.content, stop_reason="stop_sequence").counting(6),
    ),
    _fault(
        "thought of, plain",
        _whole("Hello thereEND", reasoning_content="To the END."),
        ANSWERED.with_content(THOUGHT, *STOPPED.content, stop_reason="stop_sequence").counting(6),
        CHAT_PLAIN,
    ),
    # What only begins like one is text, and the server's counts hold.
    _fault(
        "only begun",
        _stream("Hello EN", "T"),
        ANSWERED.with_text("Hello ENT"),
    ),
    _fault("only begun, and the end", _stream("Hello EN"), ANSWERED.with_text("Hello EN")),
    _fault("only begun, plain", _whole("Hello EN"), ANSWERED.with_text("Hello EN"), CHAT_PLAIN),
    # The server knows the first four, and says so or not.
    _fault("none of them", says(), ANSWERED, CHAT_ONLY),
    _fault(
        "one that the server reports",
        streams(
            ROLE,
            chunk({"content": "Hello there"}),
            data_event(
                {
                    "choices": [
                        {"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "Two"}
                    ]
                }
            ),
            REPORT,
            DONE,
        ),
        ANSWERED.with_content(*STOPPED.content, stop_reason="stop_sequence"),
    ),
    _fault(
        "one that the server reports, plain",
        answers(
            completion(
                choices=[
                    {
                        "message": {"role": "assistant", "content": "Hello there"},
                        "finish_reason": "stop",
                        "stop_reason": "Two",
                    }
                ]
            )
        ),
        ANSWERED.with_content(*STOPPED.content, stop_reason="stop_sequence"),
        CHAT_PLAIN,
    ),
    # A Messages upstream takes any number.
    _fault(
        "left to a Messages upstream",
        says("Hello END"),
        ANSWERED.with_text("Hello END"),
        MESSAGES_ONLY,
    ),
]
