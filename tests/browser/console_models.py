"""The models that the console's tests call, and what their scripted upstream plays."""

import json
from pathlib import Path
from typing import Any

from embedded.subprocesses import PROJECT
from tests.support.replies import Step, event, events, streams, text_event, usage, wait, words
from tests.support.scripted_upstream import Exchange, Play

ATLAS, VISTA, GRAND = "caicaini/atlas", "caicaini/vista", "caicaini/grand"
_EVERYTHING = '["images", "documents", "tools", "thinking", "structured_output"]'
_MODEL = """
[[models]]
id = "{id}"
name = "Scripted"
context_tokens = 200_000
max_output_tokens = 1_000_000
capabilities = {capabilities}
max_tokens_per_image = 1600
auto = {auto}
[[models.prices]]
from = 2026-01-01T00:00:00Z
input = 500_000
output = {price}
cache_write = 500_000
cache_read = 500_000
[[models.upstreams]]
format = "messages"
base_url = "{upstream_url}"
model = "a-name-for-insiders"
"""


def write_catalogue(path: Path, *, upstream_url: str) -> None:
    """Write the shipped catalogue and the scripted models, which are all dearer.

    Prices are no longer than the shipped ones, so that tables of them have their usual width.
    """
    models = [(ATLAS, _EVERYTHING, "true", 900_000), (VISTA, _EVERYTHING, "true", 500_000)]
    models.append((GRAND, "[]", "false", 900_000))
    texts = [
        _MODEL.format(
            id=name, capabilities=kinds, auto=auto, price=price, upstream_url=upstream_url
        )
        for name, kinds, auto, price in models
    ]
    path.write_text((PROJECT / "catalogue.toml").read_text() + "".join(texts))


def ends(text: str, *, reason: str, sequence: str | None = None) -> Play:
    """Stream a text that ends for this reason."""
    delta = {"stop_reason": reason, "stop_sequence": sequence}
    end = event("message_delta", delta=delta, usage=usage())
    return streams(*events(text)[:-2], end, event("message_stop"))


def says_until(text: str, *steps: Step) -> Play:
    """Stream the beginning of a text answer, then play the steps."""
    head = events("")[:2]  # the start, and the opening of a block
    return streams(*head, *map(text_event, words(text)), *steps)


def rest(text: str) -> list[bytes]:
    """Return the rest of a text answer that has begun."""
    return [text_event(text), *events("")[-3:]]


def ends_on_release() -> list[Step]:
    """Return the end of a text answer, which waits for the test."""
    return [wait, *rest("")]


def thinks_then_says(thought: str, text: str) -> Play:
    """Stream a thinking block, then a text block."""
    start = events("")[0]
    return streams(
        start,
        _opened(0, {"type": "thinking", "thinking": "", "signature": ""}),
        *(_delta(0, type="thinking_delta", thinking=word) for word in words(thought)),
        _delta(0, type="signature_delta", signature="c2ln"),
        event("content_block_stop", index=0),
        _opened(1, {"type": "text", "text": ""}),
        *(text_event(word, index=1) for word in words(text)),
        event("content_block_stop", index=1),
        *events("")[-2:],
    )


def looks_up(call_input: dict[str, Any], *, text: str) -> Play:
    """Call the first tool of the request; once its result is there, answer with the text."""
    delta = {"stop_reason": "tool_use", "stop_sequence": None}
    written = json.dumps(call_input)

    async def play(exchange: Exchange) -> None:
        if b"tool_result" in exchange.request.raw:
            await streams(*events(text))(exchange)
            return
        name = exchange.request.body["tools"][0]["name"]
        await streams(
            *events("I will look.")[:-2],
            _opened(1, {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}),
            _delta(1, type="input_json_delta", partial_json=written[:5]),
            _delta(1, type="input_json_delta", partial_json=written[5:]),
            event("content_block_stop", index=1),
            event("message_delta", delta=delta, usage=usage()),
            event("message_stop"),
        )(exchange)

    return play


def _opened(index: int, block: dict[str, Any]) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def _delta(index: int, **delta: str) -> bytes:
    return event("content_block_delta", index=index, delta=delta)
