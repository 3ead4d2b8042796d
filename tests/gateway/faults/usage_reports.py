"""Usage under every name that servers give it, wherever in the answer they put it.

The charges are at 0.3, 1.5, 0.375 and 0.03 credits for a token of input, output, cache write and
cache read, and 0.6 for what is written for an hour. Unless a row says otherwise, there are 1,000
tokens of input and 200 of output: 600 credits if nothing is cached.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.gateway.faults.table import (
    ANSWERED,
    CHAT_PLAIN,
    CHAT_STREAMED,
    COUNTED_BY_US,
    MESSAGES_PLAIN,
    MESSAGES_STREAMED,
    Fault,
    Way,
    in_every_format,
)
from tests.support.replies import (
    answers,
    chunks,
    completion,
    data_event,
    event,
    events,
    message,
    streams,
)
from tests.support.scripted_upstream import Play

PLAIN_COUNTS = {"prompt_tokens": 1000, "completion_tokens": 200}
COUNTS = PLAIN_COUNTS | {"total_tokens": 1200}
READ, WRITTEN = 438, 557
REASONED = {"reasoning_tokens": 300}
IN_PROMPT, IN_OUTPUT = "prompt_tokens_details", "completion_tokens_details"

# Of chat completions: a name, the usage, the charge.
OF_CHAT: list[tuple[str, dict[str, Any], int]] = [
    ("OpenAI's names", COUNTS, 600),
    ("no total", PLAIN_COUNTS, 600),
    ("details.cached_tokens", COUNTS | {IN_PROMPT: {"cached_tokens": 600}}, READ),
    ("cached_tokens at the top", COUNTS | {"cached_tokens": 600}, READ),
    ("prompt_cache_hit_tokens", COUNTS | {"prompt_cache_hit_tokens": 600}, READ),
    (
        "prompt_cache_hit_tokens beside a null",
        COUNTS | {"prompt_cache_hit_tokens": 600, IN_PROMPT: {"cached_tokens": None}},
        READ,
    ),
    (
        "prompt_cache_hit_tokens beside a zero",
        COUNTS | {"prompt_cache_hit_tokens": 600, IN_PROMPT: {"cached_tokens": 0}},
        READ,
    ),
    (
        "cached tokens under two names",
        COUNTS | {"prompt_cache_hit_tokens": 600, IN_PROMPT: {"cached_tokens": 600}},
        READ,
    ),
    (
        "Claude's names beside OpenAI's",
        COUNTS | {"cache_read_input_tokens": 300, "cache_creation_input_tokens": 500},
        WRITTEN,
    ),
    *(
        (f"details.{name}", COUNTS | {IN_PROMPT: {"cached_tokens": 300, name: 500}}, WRITTEN)
        for name in ("cache_write_tokens", "cache_creation_tokens", "cached_creation_tokens")
    ),
    (
        "prompt_cache_write_tokens",
        COUNTS | {"prompt_cache_write_tokens": 500, IN_PROMPT: {"cached_tokens": 300}},
        WRITTEN,
    ),
    (
        "cached tokens beside the prompt",
        {
            "prompt_tokens": 400,
            "completion_tokens": 200,
            "total_tokens": 1200,
            "cached_tokens": 600,
        },
        READ,
    ),
    ("reasoning in the output", COUNTS | {IN_OUTPUT: {"reasoning_tokens": 100}}, 600),
    (
        "reasoning beside the output",
        PLAIN_COUNTS | {"total_tokens": 1500, IN_OUTPUT: REASONED},
        1050,
    ),
    ("reasoning at the top", PLAIN_COUNTS | {"total_tokens": 1500} | REASONED, 1050),
    ("reasoning in the total alone", PLAIN_COUNTS | {"total_tokens": 1500}, 1050),
    (
        "less reasoning than output beside it",
        PLAIN_COUNTS | {"total_tokens": 1300, IN_OUTPUT: {"reasoning_tokens": 100}},
        750,
    ),
    (
        "reasoning and cached tokens beside the others",
        {"prompt_tokens": 400, "completion_tokens": 200, "total_tokens": 1500, "cached_tokens": 600}
        | {IN_OUTPUT: REASONED},
        READ + 450,
    ),
    ("input_tokens and output_tokens", {"input_tokens": 1000, "output_tokens": 200}, 600),
    ("numbers as strings", {"prompt_tokens": "1000", "completion_tokens": "200"}, 600),
    ("a total without the output", {"prompt_tokens": 1000, "total_tokens": 1200}, 600),
    ("a total without the input", {"completion_tokens": 200, "total_tokens": 1200}, 600),
]
SPLIT = COUNTS | {IN_PROMPT: {"cached_tokens": 600}}


def _chat_stream(*reports: dict[str, Any]) -> Play:
    """Reports in chunks of their own, after the finish reason."""
    start, hello, there, finish, _, done = chunks()
    ends = [data_event({"choices": [], "usage": report}) for report in reports]
    return streams(start, hello, there, finish, *ends, done)


def _in_every_chunk(report: dict[str, Any]) -> Play:
    """A running report in each chunk."""
    start, hello, there, finish, _, done = chunks()
    running = report | {"completion_tokens": 1, "total_tokens": 1001}
    return streams(
        start,
        _with(hello, {"usage": running}),
        _with(there, {"usage": running}),
        _with(finish, {"usage": report}),
        done,
    )


def _report(report: dict[str, Any]) -> tuple[bytes, bytes]:
    return data_event({"choices": [], "usage": report}), chunks()[-1]


def _with(frame: bytes, members: dict[str, Any]) -> bytes:
    """A chunk with more members."""
    return data_event(json.loads(frame[6:]) | members)


# Where a stream reports its usage.
PLACES: dict[str, Callable[[dict[str, Any]], Play]] = {
    "at the end": _chat_stream,
    "twice": lambda report: _chat_stream(report, report),
    "before one without a breakdown": lambda report: _chat_stream(report, PLAIN_COUNTS),
    "after one without a breakdown": lambda report: _chat_stream(PLAIN_COUNTS, report),
    "with the finish reason": lambda report: streams(
        *chunks()[:3], _with(chunks()[3], {"usage": report}), chunks()[-1]
    ),
    "beside the finish reason, in x_groq": lambda report: streams(
        *chunks()[:3], _with(chunks()[3], {"x_groq": {"id": "req", "usage": report}}), chunks()[-1]
    ),
    "in the choice": lambda report: streams(*chunks()[:3], _in_choice(report), chunks()[-1]),
}


def _in_choice(report: dict[str, Any]) -> bytes:
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": report}
    return data_event({"choices": [choice]})


def _of_chat() -> Iterator[Fault]:
    for name, report, charge in OF_CHAT:
        outcome = ANSWERED.charging(charge)
        yield _fault(f"usage: {name}", answers(completion(usage=report)), outcome, CHAT_PLAIN)
        for place, play in PLACES.items():
            is_partial = "prompt_tokens" not in report or "completion_tokens" not in report
            is_contradicted = is_partial or report.get("prompt_tokens") == 400
            if is_contradicted and "without a breakdown" in place:
                continue
            yield _fault(f"usage: {name}, {place}", play(report), outcome, CHAT_STREAMED)


def _fault(name: str, play: Play, outcome: Any, ways: Sequence[Any]) -> Fault:
    return Fault(name, in_every_format(play), outcome, tuple(ways), is_priced=True)


KEPT_5M, KEPT_1H = "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"
COMPACTION = {"type": "compaction", "input_tokens": 80_000, "output_tokens": 400}
OF_MESSAGE = {"type": "message", "input_tokens": 10, "output_tokens": 5}
TOP = {"input_tokens": 10, "output_tokens": 5}
# Of Messages servers: a name, the usage, the charge.
OF_MESSAGES: list[tuple[str, dict[str, Any], int]] = [
    ("no cache", {"input_tokens": 1000, "output_tokens": 200}, 600),
    ("numbers as strings", {"input_tokens": "1000", "output_tokens": "200"}, 600),
    (
        "all three inputs",
        {
            "input_tokens": 200,
            "cache_read_input_tokens": 300,
            "cache_creation_input_tokens": 500,
            "output_tokens": 200,
        },
        WRITTEN,
    ),
    (
        "written for an hour",
        {
            "input_tokens": 100,
            "output_tokens": 20,
            "cache_creation_input_tokens": 1000,
            "cache_creation": {KEPT_5M: 0, KEPT_1H: 1000},
        },
        660,
    ),
    (
        "written for an hour, without the sum",
        {"input_tokens": 100, "output_tokens": 20, "cache_creation": {KEPT_1H: 1000}},
        660,
    ),
    (
        "written for both times",
        {
            "input_tokens": 100,
            "output_tokens": 20,
            "cache_creation_input_tokens": 1000,
            "cache_creation": {KEPT_5M: 600, KEPT_1H: 400},
        },
        525,
    ),
    ("a compaction", TOP | {"iterations": [COMPACTION, OF_MESSAGE]}, 24_611),
    ("a compaction after the message", TOP | {"iterations": [OF_MESSAGE, COMPACTION]}, 24_611),
    ("only the message", TOP | {"iterations": [OF_MESSAGE]}, 11),
    ("two passes of the message", TOP | {"iterations": [OF_MESSAGE, OF_MESSAGE]}, 21),
    ("more at the top than in the iterations", TOP | {"iterations": [COMPACTION]}, 24_611),
    (
        # At the prices of the helper: 1 and 2 credits a token.
        "a helper model of the catalogue",
        TOP
        | {
            "iterations": [
                OF_MESSAGE,
                {
                    "type": "advisor_message",
                    "model": "helper-for-insiders",
                    "input_tokens": 100,
                    "output_tokens": 30,
                },
            ]
        },
        171,
    ),
    (
        "a helper model that is not in the catalogue",
        TOP
        | {
            "iterations": [
                OF_MESSAGE,
                {"type": "advisor_message", "model": "x", "input_tokens": 100, "output_tokens": 30},
            ]
        },
        86,
    ),
]
_START, *_BODY, _, _STOP = events(start_usage={"input_tokens": 0, "output_tokens": 1})


def _ends(*reports: dict[str, Any]) -> list[bytes]:
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return [event("message_delta", delta=delta, usage=report) for report in reports]


MESSAGES_PLACES: dict[str, Callable[[dict[str, Any]], Play]] = {
    "at the end": lambda report: streams(_START, *_BODY, *_ends(report), _STOP),
    "at both ends": lambda report: streams(
        *events(start_usage=report | {"output_tokens": 1}, end_usage=report)
    ),
    "at the start, and the output at the end": lambda report: streams(
        *events(start_usage=report, end_usage={"output_tokens": report["output_tokens"]})
    ),
    "twice": lambda report: streams(_START, *_BODY, *_ends(report, report), _STOP),
    "before the output alone": lambda report: streams(
        _START, *_BODY, *_ends(report, {"output_tokens": 1}), _STOP
    ),
    "after the output alone": lambda report: streams(
        _START, *_BODY, *_ends({"output_tokens": 1}, report), _STOP
    ),
}


def _of_messages() -> Iterator[Fault]:
    for name, report, charge in OF_MESSAGES:
        outcome = ANSWERED.charging(charge)
        yield _fault(
            f"usage of a message: {name}", answers(message(usage=report)), outcome, MESSAGES_PLAIN
        )
        for place, play in MESSAGES_PLACES.items():
            yield _fault(
                f"usage of a message: {name}, {place}", play(report), outcome, MESSAGES_STREAMED
            )


def _impossible() -> Iterator[Fault]:
    """More than four times what the call can have: that side is counted by us."""
    too_much = [
        ("output", 14, 4 * 100 + 1024 + 1, ANSWERED.counting(3)),
        ("input", 10_000_000, 23, COUNTED_BY_US),
    ]
    for side, given, made, outcome in too_much:
        of_chat = {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}
        of_messages = {"input_tokens": given, "output_tokens": made}
        plays: list[tuple[Play, tuple[Way, ...]]] = [
            (answers(completion(usage=of_chat)), CHAT_PLAIN),
            (_chat_stream(of_chat), CHAT_STREAMED),
            (answers(message(usage=of_messages)), MESSAGES_PLAIN),
            (streams(*events(end_usage=of_messages)), MESSAGES_STREAMED),
        ]
        for play, ways in plays:
            name = f"usage: an impossible {side}, {ways[0].wire.path}, {ways[0].stream}"
            yield Fault(name, in_every_format(play), outcome, ways)


FAULTS = [
    *_impossible(),
    *_of_chat(),
    *_of_messages(),
    _fault(
        "usage: a running report in every chunk",
        _in_every_chunk(SPLIT),
        ANSWERED.charging(READ),
        CHAT_STREAMED,
    ),
    _fault(
        "usage: null in every chunk, and then a report",  # Xiaomi
        streams(*(_with(frame, {"usage": None}) for frame in chunks()[:4]), *_report(SPLIT)),
        ANSWERED.charging(READ),
        CHAT_STREAMED,
    ),
    _fault(
        "usage: in the choice of a completion",
        answers(
            completion(
                usage=None,
                choices=[
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "Hello there"},
                        "finish_reason": "stop",
                        "usage": SPLIT,
                    }
                ],
            )
        ),
        ANSWERED.charging(READ),
        CHAT_PLAIN,
    ),
    _fault(
        "usage: of a completion, in x_groq",
        answers(completion(usage=None, x_groq={"usage": COUNTS})),
        ANSWERED.charging(600),
        CHAT_PLAIN,
    ),
]
