"""What servers and providers do in their own way, each from public reports of it."""

import json
from collections.abc import Iterator
from typing import Any

from tests.gateway.faults.table import (
    ANSWERED,
    BROKE_OFF,
    CHAT_ONLY,
    CHAT_PLAIN,
    CHAT_STREAMED,
    FAILED,
    MESSAGES_STREAMED,
    Fault,
    Outcome,
    Way,
    in_every_format,
)
from tests.gateway.faults.tool_calls import TOOLS, block, chat_stream, chat_whole, piece
from tests.support.replies import (
    answers,
    chunk,
    completion,
    data_event,
    event,
    events,
    streams,
    wait,
)
from tests.support.scripted_upstream import Exchange, Play

COUNTS = {"prompt_tokens": 14, "completion_tokens": 23, "total_tokens": 37}
ROLE = chunk({"role": "assistant", "content": ""})
REPORT = data_event({"choices": [], "usage": COUNTS})
DONE = b"data: [DONE]\n\n"
WORD, REST = chunk({"content": "Hello"}), chunk({"content": " there"})
NOTHING = {"type": "text", "text": ""}


def fault(
    name: str, play: Play, outcome: Outcome, ways: tuple[Way, ...] = CHAT_ONLY, **fields: Any
) -> Fault:
    return Fault(f"habits: {name}", in_every_format(play), outcome, ways, fields=fields)


def in_the_asked_form(whole: bytes, events: bytes) -> Play:
    async def play(exchange: Exchange) -> None:
        await (streams(events) if exchange.wants_stream else answers(whole))(exchange)

    return play


# --- Words for the end of an answer ---------------------------------------------------------------


def _ended(reason: str, content: str | None = "Hello there", **members: Any) -> Play:
    """An answer that ends for this reason, in the requested form."""
    reply = {"role": "assistant", "content": content} | members
    choice = {"index": 0, "message": reply, "finish_reason": reason}
    end = chunk(reply, finish_reason=reason)
    return in_the_asked_form(completion(choices=[choice]), b"".join([ROLE, end, REPORT, DONE]))


def _ended_midway(reason: str) -> Play:
    return streams(ROLE, WORD, wait, chunk({}, finish_reason=reason), REPORT, DONE)


BROKEN = (
    "network_error",  # z.ai
    "insufficient_system_resource",  # DeepSeek
    "error",  # OpenRouter
    "abort",  # vLLM, SGLang
)
BAD_CALLS = (
    "function_call_filter: MALFORMED_FUNCTION_CALL",  # Gemini
    "function_call_filter: UNEXPECTED_TOOL_CALL",
    "malformed_function_call",
)
FILTERED = (
    "sensitive",  # z.ai
    "content_filter: PROHIBITED_CONTENT",  # Gemini
    "SAFETY",
)


def _endings() -> Iterator[Fault]:
    for reason in BROKEN:
        for name, content in (("content", "Hello there"), ("nothing", None)):
            play = _ended(reason, content)
            yield fault(f"{reason}, with {name}", play, FAILED)
    for reason in BAD_CALLS:  # the model's fault, so another attempt is made
        yield fault(f"{reason}, with content", _ended(reason), FAILED)
        yield fault(f"{reason}, with nothing", _ended(reason, None), FAILED)
    for reason in (*BROKEN, *BAD_CALLS):
        yield fault(f"{reason}, midway", _ended_midway(reason), BROKE_OFF, CHAT_STREAMED)
    for reason in FILTERED:
        refused = ANSWERED.with_content(NOTHING, stop_reason="refusal")
        yield fault(f"{reason}, with nothing", _ended(reason, ""), refused)
        partly = ANSWERED.with_content(
            {"type": "text", "text": "Hello there"}, stop_reason="refusal"
        )
        yield fault(f"{reason}, with content", _ended(reason), partly)
    full = "model_context_window_exceeded"  # z.ai
    yield fault(
        full,
        _ended(full),
        ANSWERED.with_content({"type": "text", "text": "Hello there"}, stop_reason=full),
    )
    yield from _call_in_a_full_context(full)


def _call_in_a_full_context(full: str) -> Iterator[Fault]:
    """The call is cut, as it is at the limit of the output."""
    text = '{"at": "i'
    cut = piece(0, "call_1", "look", text)
    part = {"type": "tool_use", "name": "look", "partial_json": text}
    delivered = ANSWERED.with_content(part, stop_reason=full)
    left_out = ANSWERED.with_content(NOTHING, stop_reason=full)
    yield fault(
        f"{full}, within a call", chat_stream(cut, finish=full), delivered, CHAT_STREAMED, **TOOLS
    )
    yield fault(
        f"{full}, within a call, plain",
        chat_whole([("look", text)], full),
        left_out,
        CHAT_PLAIN,
        **TOOLS,
    )


# --- Calls that the server could not read ---------------------------------------------------------

_GROQ = {
    "message": "Failed to call a function. Please adjust your prompt. See 'failed_generation' for "
    "more details.",
    "type": "invalid_request_error",
    "code": "tool_use_failed",
    "failed_generation": '<function=look{"at": 1}</function>',
}
_BAD_CALL = FAILED.saying(
    "The model called a tool with an input that is not valid JSON. Nothing was charged; try again."
)


def _unread_calls() -> Iterator[Fault]:
    """The model's fault, though the status says that it is the caller's."""
    without_code = {name: _GROQ[name] for name in ("message", "type")}
    for name, error in (("Groq", _GROQ), ("Groq, without its code", without_code)):
        refusal = answers(json.dumps({"error": error}).encode(), status=400)
        inside = in_the_asked_form(
            json.dumps({"error": error}).encode(), data_event({"error": error})
        )
        yield fault(f"a call that {name} cannot read", refusal, FAILED, **TOOLS)
        yield fault(f"a call that {name} cannot read, in a success", inside, FAILED, **TOOLS)
        yield fault(
            f"a call that {name} cannot read, midway",
            streams(ROLE, WORD, wait, data_event({"error": error})),
            BROKE_OFF,
            CHAT_STREAMED,
            **TOOLS,
        )
    ollama = {
        "message": "error parsing tool call: raw='{\"at\": it}', err=invalid character 'i' looking "
        "for beginning of value",
        "type": "api_error",
        "code": None,
    }
    litellm = {
        "message": f"litellm.BadRequestError: GroqException - {json.dumps({'error': _GROQ})}",
        "type": None,
        "code": "400",
    }
    for name, error, status in (("Ollama", ollama, 500), ("LiteLLM's Groq", litellm, 400)):
        whole = json.dumps({"error": error}).encode()
        refusal = answers(whole, status=status)
        inside = in_the_asked_form(whole, data_event({"error": error}))
        yield fault(f"a call that {name} cannot read", refusal, _BAD_CALL, **TOOLS)
        yield fault(f"a call that {name} cannot read, in a success", inside, _BAD_CALL, **TOOLS)


# --- Shapes of deltas -----------------------------------------------------------------------------


def _shapes() -> Iterator[Fault]:
    end = [chunk({}, finish_reason="stop"), REPORT, DONE]
    yield fault(
        "no calls in every delta",  # vLLM
        streams(
            ROLE,
            chunk({"content": "Hello", "tool_calls": []}),
            chunk({"content": " there", "tool_calls": []}),
            *end,
        ),
        ANSWERED,
        CHAT_STREAMED,
    )
    yield fault(
        "the last word with the reason",  # vLLM
        streams(ROLE, WORD, chunk({"content": " there"}, finish_reason="stop"), REPORT, DONE),
        ANSWERED,
        CHAT_STREAMED,
    )
    yield fault(
        "a first event without a choice",  # Azure
        streams(data_event({"choices": [], "prompt_filter_results": []}), ROLE, WORD, REST, *end),
        ANSWERED,
        CHAT_STREAMED,
    )
    yield fault(
        "an empty reason in every delta",  # Ollama
        streams(
            chunk({"role": "assistant", "content": "Hello"}, finish_reason=""),
            chunk({"role": "assistant", "content": " there"}, finish_reason=""),
            *end,
        ),
        ANSWERED,
        CHAT_STREAMED,
    )
    yield fault(
        "an empty role in every delta",  # MiniMax
        streams(
            chunk({"role": "", "content": "", "reasoning_content": ""}),
            chunk({"role": "", "content": "Hello there"}),
            *end,
        ),
        ANSWERED,
        CHAT_STREAMED,
    )
    yield fault(
        "calls without any call",  # GLM
        _ended("tool_calls", tool_calls=[]),
        ANSWERED.with_content({"type": "text", "text": "Hello there"}, stop_reason="end_turn"),
    )
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Hello there"},
    ]
    yield fault(
        "thinking as a part of the content",  # Mistral
        _ended("stop", parts),
        ANSWERED.with_content(
            {"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hello there"}
        ),
    )
    twice = json.dumps(json.dumps({"at": 1}))
    called = ANSWERED.with_content(block("look", {"at": 1}), stop_reason="tool_use")
    yield fault(
        "arguments that are encoded twice",
        chat_stream(piece(0, "call_1", "look", twice)),
        called,
        CHAT_STREAMED,
        **TOOLS,
    )
    yield fault(
        "arguments that are encoded twice, plain",
        chat_whole([("look", twice)]),
        called,
        CHAT_PLAIN,
        **TOOLS,
    )


# --- Events of the Messages format ----------------------------------------------------------------


def _of_messages(name: str, ending: dict[str, Any], *, start: Any = None) -> Fault:
    """A stream whose `message_delta` is this."""
    begun = events() if start is None else events(start_usage=start)
    frames = [*begun[:-2], event("message_delta", **ending), begun[-1]]
    return fault(name, streams(*frames), ANSWERED, MESSAGES_STREAMED)


def _messages() -> Iterator[Fault]:
    counts = {"input_tokens": 14, "output_tokens": 23}
    end = {"stop_reason": "end_turn"}
    yield _of_messages("no stop_sequence", {"delta": end, "usage": counts})  # vLLM
    yield _of_messages("usage in the delta", {"delta": end | {"usage": counts}})
    yield _of_messages(  # Bedrock
        "the input in the first event alone",
        {"delta": end, "usage": {"output_tokens": 23}},
        start={"input_tokens": 14, "output_tokens": 2},
    )
    yield _of_messages(  # vLLM
        "the input in the last event alone",
        {"delta": end, "usage": counts},
        start={"input_tokens": 0, "output_tokens": 0},
    )
    yield _of_messages(
        "usage of null in the first event", {"delta": end, "usage": counts}, start={}
    )


FAULTS = [
    *_endings(),
    *_unread_calls(),
    *_shapes(),
    *_messages(),
]
