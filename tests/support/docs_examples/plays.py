"""What scripted models answer to the documentation's samples, by the prompt in the sample."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tests.support import replies
from tests.support.replies import answers, streams, then
from tests.support.scripted_upstream import Exchange, Play, ScriptedUpstream

HAIKU = "Inbox keeps glowing — / payment terms grown old and cold; / reminders like snow."
JOB = "Good or bad review?"
FIRST_PROMPT = "Write a haiku about overdue invoices."

Block = dict[str, Any]

_OVERLOADED = answers(b'{"type": "error", "error": {"type": "overloaded_error"}}', status=529)
# The gateway itself tries an overloaded upstream three times before it answers 529.
_ATTEMPTS_OF_A_CALL = 3


def text(value: str) -> Block:
    """Return a block of text."""
    return {"type": "text", "text": value}


def tool_call(number: int, name: str, **arguments: Any) -> Block:
    """Return a block that calls a tool."""
    return {"type": "tool_use", "id": f"toolu_0{number}", "name": name, "input": arguments}


def thought(value: str) -> Block:
    """Return a block of thinking."""
    return {"type": "thinking", "thinking": value, "signature": "c2lnbmF0dXJl"}


def replies_with(*blocks: Block, reason: str = "end_turn", tokens: Any = None) -> Play:
    """Answer with blocks, as events if the request asks for a stream."""
    used = tokens or replies.usage()

    async def play(exchange: Exchange) -> None:
        if exchange.wants_stream:
            await streams(*_events(blocks, reason, used))(exchange)
        else:
            body = replies.message(content=list(blocks), stop_reason=reason, usage=used)
            await exchange.reply(body)

    return play


def script_all(upstream: ScriptedUpstream) -> None:
    """Script every prompt."""
    for prompt, play in PLAYS.items():
        upstream.script_for(prompt, play)


def script_job(upstream: ScriptedUpstream) -> None:
    """Script the job that meets an overloaded model once; each run needs a new script."""
    good = replies_with(text("good"), tokens=replies.usage(21, 2))
    upstream.script_for(JOB, then(*[_OVERLOADED] * _ATTEMPTS_OF_A_CALL, good))


def is_scripted(source: str) -> bool:
    """Whether a sample's text has a prompt that a scripted model answers."""
    return any(prompt in source for prompt in (*PLAYS, JOB))


def _events(blocks: tuple[Block, ...], reason: str, used: Any) -> list[bytes]:
    whole = replies.events(start_usage=used | {"output_tokens": 1}, end_usage=used)
    delta = {"stop_reason": reason, "stop_sequence": None}
    middle = [event for index, block in enumerate(blocks) for event in _block_events(index, block)]
    return [
        whole[0],
        *middle,
        replies.event("message_delta", delta=delta, usage=used),
        whole[-1],
    ]


def _block_events(index: int, block: Block) -> list[bytes]:
    empty, deltas = _PIECES[block["type"]](block)
    return [
        replies.event("content_block_start", index=index, content_block=block | empty),
        *(replies.event("content_block_delta", index=index, delta=delta) for delta in deltas),
        replies.event("content_block_stop", index=index),
    ]


def _text_pieces(block: Block) -> tuple[Block, list[Block]]:
    words = replies.words(block["text"])
    return {"text": ""}, [{"type": "text_delta", "text": word} for word in words]


def _thinking_pieces(block: Block) -> tuple[Block, list[Block]]:
    words = replies.words(block["thinking"])
    return {"thinking": "", "signature": ""}, [
        *({"type": "thinking_delta", "thinking": word} for word in words),
        {"type": "signature_delta", "signature": block["signature"]},
    ]


def _tool_pieces(block: Block) -> tuple[Block, list[Block]]:
    encoded = json.dumps(block["input"])
    pieces = ["", encoded[:8], encoded[8:]]
    return {"input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in pieces]


_PIECES: dict[str, Callable[[Block], tuple[Block, list[Block]]]] = {
    "text": _text_pieces,
    "thinking": _thinking_pieces,
    "tool_use": _tool_pieces,
}


def _by_last_block(*, question: Play, results: Play) -> Play:
    """Play one answer to a question, and another to the results of tools."""

    async def play(exchange: Exchange) -> None:
        last = exchange.request.body["messages"][-1]["content"]
        has_results = isinstance(last, list) and last[0]["type"] == "tool_result"
        await (results if has_results else question)(exchange)

    return play


_BROKEN_STORY = streams(
    *replies.events("Once upon a time there was")[:5], replies.until_read, replies.cut
)


async def _more_numbers(exchange: Exchange) -> None:
    while True:  # until the caller has left: a shell's pipe notices at its next write only
        await exchange.chunk(replies.text_event(" and more"))
        await asyncio.sleep(0.1)


_FIRST_NUMBERS = streams(*replies.events("one two three four five six")[:8], _more_numbers)

PLAYS: dict[str, Play] = {
    FIRST_PROMPT: replies_with(text(HAIKU)),
    "Begin a story that breaks off.": _BROKEN_STORY,
    "Count to a thousand.": _FIRST_NUMBERS,
    "What is the weather in Lisbon?": _by_last_block(
        question=replies_with(
            tool_call(1, "get_weather", city="Lisbon"),
            reason="tool_use",
            tokens=replies.usage(380, 54),
        ),
        results=replies_with(
            text("It is sunny in Lisbon, at 21 degrees."), tokens=replies.usage(452, 17)
        ),
    ),
    "Compare the weather in Lisbon and Oslo.": _by_last_block(
        question=replies_with(
            text("I will look up both."),
            tool_call(1, "get_weather", city="Lisbon"),
            tool_call(2, "get_weather", city="Oslo"),
            reason="tool_use",
            tokens=replies.usage(386, 96),
        ),
        results=replies_with(
            text("Lisbon is sunny at 21 degrees; Oslo has snow at 3 below zero."),
            tokens=replies.usage(541, 26),
        ),
    ),
    "The printer on floor 3 is on fire.": replies_with(
        tool_call(1, "file_ticket", title="Printer on fire, floor 3", urgent=True),
        reason="tool_use",
        tokens=replies.usage(402, 48),
    ),
    # The second question stands in a request that holds the first one, too.
    "What is my name?": replies_with(text("Your name is Ada."), tokens=replies.usage(38, 6)),
    "My name is Ada.": replies_with(text("Nice to meet you, Ada."), tokens=replies.usage(21, 8)),
    "Name a colour.": replies_with(text("Blue."), tokens=replies.usage(11, 3)),
    "Name a fruit.": replies_with(text("A pear."), tokens=replies.usage(11, 4)),
    "Which colour is this?": replies_with(text("Orange."), tokens=replies.usage(98, 4)),
    "What is the total on this receipt?": replies_with(
        text("The total is 18.40 EUR."), tokens=replies.usage(1103, 12)
    ),
    "Is it open on Sundays?": replies_with(
        text("No. It is open from Monday to Friday, 9 to 17."), tokens=replies.usage(41, 18)
    ),
    "When is this invoice due?": replies_with(
        text("Invoice 7 is due on 1 March."), tokens=replies.usage(1578, 13)
    ),
    "Is 2027 a prime number?": replies_with(
        thought("No prime up to 43 divides 2027, and the square of 47 is larger than 2027."),
        text("Yes, 2027 is a prime number."),
        tokens=replies.usage(17, 58),
    ),
    "Order: two coffees and a bagel, table 4.": replies_with(
        text(
            json.dumps(
                {
                    "table": 4,
                    "items": [{"name": "coffee", "count": 2}, {"name": "bagel", "count": 1}],
                }
            )
        ),
        tokens=replies.usage(212, 31),
    ),
    "Who decides on returns?": replies_with(
        text("The shift lead."), tokens=replies.usage(12, 5, cache_write=2310)
    ),
    "Who decides on gift cards?": replies_with(
        text("The shift lead, here too."), tokens=replies.usage(13, 8, cache_read=2310)
    ),
}
