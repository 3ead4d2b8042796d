"""Conversations that another upstream began, and tools that change in the middle of one.

The upstreams are strict: they refuse what the real services refuse, so an answer shows that the
conversation reached them as they take it.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.gateway.faults.table import (
    ANSWERED,
    CHAT_ONLY,
    EVERY_WAY,
    MESSAGES_ONLY,
    MESSAGES_STREAMED,
    Fault,
    Way,
    in_every_format,
)
from tests.support.replies import answers, event, events, says, streams
from tests.support.scripted_upstream import Exchange, Play
from tests.support.strict.plays import checks

Turn = dict[str, Any]

SCHEMA = {"type": "object", "properties": {}}
LOOK, LISTEN = ({"name": name, "input_schema": SCHEMA} for name in ("look", "listen"))
TOOLS = {"tools": [LOOK, LISTEN]}
ON = {"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}}
FORGED = {"type": "thinking", "thinking": "Hm.", "signature": "cai1.Zm9yZ2VkIGJ5IHNvbWVib2R5"}
UNSIGNED = {"type": "thinking", "thinking": "Hm.", "signature": ""}
REDACTED = {"type": "redacted_thinking", "data": "c2VhbGVkIGVsc2V3aGVyZQ=="}
IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="},
}
BLANK = {"type": "text", "text": "\n\n"}


# --- What the turns are made of -------------------------------------------------------------------


def user(*content: Any) -> Turn:
    return {"role": "user", "content": list(content)}


def assistant(*content: Any) -> Turn:
    return {"role": "assistant", "content": list(content)}


def system(*content: Any) -> Turn:
    return {"role": "system", "content": list(content)}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(call_id: str, name: str = "look", **tool_input: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": tool_input}


def result(call_id: str, *content: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": list(content) or "ok"}


def loop(*before: dict[str, Any], call_id: str = "call_1", after: Any = ()) -> list[Turn]:
    """A call of an assistant's, what it wrote before it, its result, and what came after that."""
    return [assistant(*before, call(call_id)), user(result(call_id), *after)]


# --- From another upstream ------------------------------------------------------------------------

_CROSSING: dict[str, list[Turn]] = {
    "ids with a dot and a colon": loop(call_id="functions.look:0"),
    "ids that are too long": loop(call_id="call_" + "a1" * 100),
    "ids that two answers share": [*loop(call_id="call_0"), *loop(call_id="call_0")],
    "ids that differ late": [
        assistant(call("x" * 80 + "1"), call("x" * 80 + "2", "listen")),
        user(result("x" * 80 + "2"), result("x" * 80 + "1")),
    ],
    "a name that no tool has": [
        assistant(call("call_1", "functions.look<|channel|>commentary")),
        user(result("call_1")),
    ],
    "thinking of a chat upstream": loop(FORGED),
    "thinking that nobody signed": loop(UNSIGNED),
    "sealed thinking": loop(REDACTED),
    "thinking and nothing else": [assistant(FORGED), user(text("Go on."))],
    "a blank line before a call": loop(BLANK),
    "a blank line and nothing else": [assistant(BLANK), user(text("Go on."))],
    "blank lines around an answer": [
        assistant(BLANK, text("Yes."), BLANK),
        user(text("Go on.")),
    ],
    "text after the results": loop(after=[text("And now?")]),
    "a picture in a result": [
        assistant(call("call_1")),
        user(result("call_1", text("Seen:"), IMAGE)),
    ],
    "a system turn after the results": [*loop(), system(text("Be brief."))],
    "system turns in a row": [*loop(), system(text("Be brief.")), system(text("Be kind."))],
}
# A Messages upstream takes these from the caller as they are, or not.
_OF_PROVIDERS: dict[str, list[Turn]] = {
    "a search that a provider ran": [
        assistant(
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
            text("Found."),
        ),
        user(text("Go on.")),
    ],
    "a compaction": [
        assistant({"type": "compaction", "content": "They said hello."}),
        user(text("Go on.")),
    ],
}


def _begun(turns: list[Turn]) -> Callable[[str], list[Turn]]:
    return lambda prompt: [user(text(prompt)), *turns]


def _crossing() -> Iterator[Fault]:
    play = in_every_format(checks({"text": "Hello there"}))
    for name, turns in _CROSSING.items():
        begun = _begun(turns)
        yield Fault(f"crossing: {name}", play, ANSWERED, EVERY_WAY, fields=TOOLS, turns=begun)
        fields = TOOLS | ON
        yield Fault(
            f"crossing, with thinking: {name}",
            play,
            ANSWERED,
            EVERY_WAY,
            fields=fields,
            turns=begun,
        )
    for name, turns in _OF_PROVIDERS.items():
        begun = _begun(turns)
        yield Fault(f"crossing: {name}", play, ANSWERED, CHAT_ONLY, fields=TOOLS, turns=begun)


# --- With a signature that the upstream cannot verify ---------------------------------------------

_SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVkIGVsc2V3aGVyZQ=="}
_REFUSALS = {
    "invalid": "messages.1.content.0: Invalid `signature` in `thinking` block",
    "invalid data": "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
    "changed": "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest "
    "assistant message cannot be modified.",
    "of another conversation": "messages.1.content.0: block is bound to a different conversation",
}
_FORMS = ("a status", "a body", "an event", "an event after the start")


def _unless(block: dict[str, Any], words: str, form: str) -> Play:
    """Refuse requests that hold the block's signature; answer others."""
    error = {"type": "invalid_request_error", "message": words}
    body = json.dumps({"type": "error", "error": error}).encode()
    refused: dict[str, Play] = {
        "a status": answers(body, status=400),
        "a body": answers(body),
        "an event": streams(event("error", error=error)),
        "an event after the start": streams(*events()[:2], event("error", error=error)),
    }
    signature = str(block.get("signature") or block.get("data")).encode()

    async def play(exchange: Exchange) -> None:
        has_it = signature in exchange.request.raw
        await (refused[form] if has_it else says())(exchange)

    return play


def _unverified() -> Iterator[Fault]:
    """The call is repeated without it, and charged once."""
    for name, words in _REFUSALS.items():
        for form in _FORMS:
            ways = MESSAGES_STREAMED if "event" in form else MESSAGES_ONLY
            for kind, block in (("signed", _SIGNED), ("sealed", REDACTED)):
                yield Fault(
                    f"crossing: {kind} thinking that is refused as {name}, by {form}",
                    in_every_format(_unless(block, words, form)),
                    ANSWERED,
                    ways,
                    fields=TOOLS | ON,
                    turns=_begun(loop(block)),
                )


# --- System turns that the upstream does not take -------------------------------------------------

_INVALID = "invalid_request_error"
_NO_SYSTEM_TURNS = (
    "System message must be at the beginning.",
    "Conversation roles must alternate user/assistant/user/assistant/...",
    "messages.1.role: Input should be 'user' or 'assistant'",
    "Unexpected message role: system",
    "request.messages.1.role: Invalid discriminator value. Expected 'user' | 'assistant'",
    "messages[1].role: unknown variant `system`, expected `user` or `assistant`",
    "messages[1].role must be either 'user' or 'assistant', but got 'system'",
)
# In bodies of other shapes: of z.ai, and of a server of OpenAI's for agents.
_NO_SYSTEM_TURNS_AS: dict[str, tuple[int, Any]] = {
    "a list": (
        422,
        [
            {
                "type": "literal_error",
                "loc": ["body", "messages", 1, "role"],
                "msg": "Input should be 'user' or 'assistant'",
                "input": "system",
            }
        ],
    ),
    "a detail": (400, "System messages are not allowed"),
}


def _without_system_turns(refusal: Any, status: int) -> Play:
    """Refuse requests with a system turn after the first message, by a status or, at 200, in a
    success; answer others."""
    body = json.dumps(refusal).encode()

    async def play(exchange: Exchange) -> None:
        roles = [message["role"] for message in exchange.request.body["messages"]]
        is_taken = "system" not in roles[1:]
        refused = answers(body, status=status)
        if status == 200 and exchange.wants_stream:
            refused = streams(b"data: " + body + b"\n\n")
        await (says() if is_taken else refused)(exchange)

    return play


def _system_turns() -> Iterator[Fault]:
    """The call is repeated with user turns, and charged once."""
    turns = [system(text("Be brief.")), assistant(text("Yes?")), user(text("Go on."))]
    refusals: dict[str, tuple[int, Any]] = {
        f"{status}: {words}": (status, {"error": {"message": words, "type": _INVALID}})
        for words in _NO_SYSTEM_TURNS
        for status in (400, 422, 500, 200)
    }
    for name, (status, detail) in _NO_SYSTEM_TURNS_AS.items():
        refusals[f"{status}, as {name}"] = (status, {"detail": detail})
    for name, (status, refusal) in refusals.items():
        yield Fault(
            f"system turns refused with {name}",
            in_every_format(_without_system_turns(refusal, status)),
            ANSWERED,
            teaches=True,
            turns=_begun(turns),
        )


# --- Tools that change ----------------------------------------------------------------------------


def added(tool: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": tool}}


def again(name: str) -> dict[str, Any]:
    return {"type": "tool_addition", "tool": {"type": "tool_reference", "name": name}}


def removed(name: str) -> dict[str, Any]:
    return {"type": "tool_removal", "tool": {"type": "tool_reference", "name": name}}


# The tools at first, the turns after the prompt, and the tools that are on offer by then.
_CHANGES: dict[str, tuple[list[Turn], list[Turn], list[str]]] = {
    "one more": ([LOOK], [system(added(LISTEN))], ["look", "listen"]),
    "one more beside words": ([LOOK], [system(text("Hear!"), added(LISTEN))], ["look", "listen"]),
    "one less": ([LOOK, LISTEN], [system(removed("look"))], ["listen"]),
    "none left": ([LOOK], [system(removed("look"))], []),
    "the first of all": ([], [system(added(LOOK))], ["look"]),
    "one away and back": (
        [LOOK, LISTEN],
        [
            system(removed("look")),
            assistant(text("I see nothing.")),
            user(text("Look again.")),
            system(again("look")),
        ],
        ["look", "listen"],
    ),
    "one less in a tool loop": (
        [LOOK, LISTEN],
        [*loop(), system(removed("look"))],
        ["listen"],
    ),
    "two changes in a row": (
        [LOOK],
        [system(added(LISTEN)), system(removed("look"))],
        ["listen"],
    ),
}


def _if_offered(names: list[str], play: Play) -> Play:
    """Answer if these tools are on offer, and no message holds a change."""

    async def checked(exchange: Exchange) -> None:
        body = exchange.request.body
        offered = [tool["function"]["name"] for tool in body.get("tools", [])]
        is_right = offered == names and b"tool_addition" not in exchange.request.raw
        await (play if is_right else answers(b'{"error": "other tools"}', status=400))(exchange)

    return checked


def _if_in_place(turns: list[Turn], play: Play) -> Play:
    """Answer if all changes are where the caller has made them."""
    made = [block for turn in turns for block in turn["content"] if "tool" in block]

    async def checked(exchange: Exchange) -> None:
        sent = [
            block
            for turn in exchange.request.body["messages"]
            for block in (turn["content"] if isinstance(turn["content"], list) else [])
            if "tool" in block
        ]
        await (play if sent == made else answers(b'{"error": "moved"}', status=400))(exchange)

    return checked


def _changes() -> Iterator[Fault]:
    strict = checks({"text": "Hello there"})
    for name, (tools, turns, names) in _CHANGES.items():
        ways: tuple[tuple[Play, tuple[Way, ...]], ...] = (
            (_if_offered(names, strict), CHAT_ONLY),
            (_if_in_place(turns, says()), MESSAGES_ONLY),
        )
        for play, of_format in ways:
            yield Fault(
                f"tools change: {name}, {of_format[0].wire.path}",
                in_every_format(play),
                ANSWERED,
                of_format,
                fields={"tools": tools} if tools else {},
                turns=_begun(turns),
            )


def _calls_of_added() -> Iterator[Fault]:
    """A call of a tool that was added, under a name as models decorate it."""
    called: dict[str, Any] = {"text": "Hello there", "calls": [("functions.listen", {})]}
    outcome = ANSWERED.with_content(
        text("Hello there"), {"type": "tool_use", "name": "listen"}, stop_reason="tool_use"
    )
    yield Fault(
        "tools change: a call of one more",
        in_every_format(checks(called)),
        outcome,
        CHAT_ONLY,
        fields={"tools": [LOOK]},
        turns=_begun([system(added(LISTEN))]),
    )


FAULTS = [*_crossing(), *_unverified(), *_system_turns(), *_changes(), *_calls_of_added()]
