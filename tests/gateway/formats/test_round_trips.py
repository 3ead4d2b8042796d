"""Any conversation that upstreams and the gateway have made is accepted by the next upstream.

The upstreams are strict doubles, one class per format. Each turn of a random conversation goes to
another one of them, which checks the request, and answers streamed or not; a client sends the
answer back as it received it.
"""

import json
import random
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from catalogue import habits
from catalogue.snapshot import UpstreamRow
from gateway.errors import UpstreamRefused
from gateway.formats import FORMATS
from gateway.pipeline import learned
from gateway.request import parse
from gateway.request.parse import MessagesRequest
from tests.support.stream_grammar import run
from tests.support.strict.chat_server import SERVERS, ChatServer
from tests.support.strict.messages_server import MessagesServer, Refused

LONG_NAME = "mcp__" + "a" * 100
TOOLS = [
    {"name": name, "input_schema": {"type": "object", "properties": {}}}
    for name in ("look", "listen", LONG_NAME)
]
MADE_UP = ["look", "listen", LONG_NAME, "functions.look", "listen<|channel|>commentary", "smell.it"]
Server = MessagesServer | ChatServer

texts = st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))
said = texts | st.sampled_from(["\n\n", " "])  # some models write a blank line before they call
inputs = st.dictionaries(st.text(max_size=5), st.integers() | texts, max_size=3)
turns = st.fixed_dictionaries(
    {
        "thinking": st.none() | st.just("") | texts,
        "text": st.none() | said,
        "calls": st.lists(st.tuples(st.sampled_from(MADE_UP), inputs), max_size=3),
    }
).filter(lambda turn: bool(turn["text"] or turn["calls"]))
names = st.sampled_from(["messages", "other messages", *SERVERS])
steps = st.lists(
    st.fixed_dictionaries(
        {
            "server": names,
            "turn": turns,
            "stream": st.booleans(),
            "thinks": st.booleans(),
            "text_after_results": st.none() | texts,
            "system": st.none() | texts,
            "drops_thinking": st.booleans(),
        }
    ),
    min_size=2,
    max_size=6,
)


class Upstreams:
    """The doubles, with the rows of the catalogue by which the gateway knows them."""

    def __init__(self) -> None:
        self._all: dict[str, tuple[Server, UpstreamRow]] = {}
        for number, name in enumerate(("messages", "other messages", *SERVERS), 1):
            is_chat = name in SERVERS
            server: Server = SERVERS[name] if is_chat else MessagesServer(name)
            wire = "chat_completions" if is_chat else "messages"
            own = habits.resolve(name if is_chat else "", {})
            row = UpstreamRow(number, wire, "http://x", "m", "", 0, 1, habits=own)
            self._all[name] = server, row

    def ask(
        self, name: str, request: MessagesRequest, step: dict[str, Any], draw: random.Random
    ) -> list[Any]:
        """The content that a client of the gateway receives. Raises Refused."""
        server, row = self._all[name]
        wire = FORMATS[row.format]
        post = wire.encode_request(
            request,
            upstream_model="m",
            max_tokens=request.max_tokens,
            stream=step["stream"],
            upstream=row,
        )
        try:
            server.check(json.loads(post.body))
        except Refused as refusal:
            if not _learns(str(refusal), request, row):
                raise
            return self.ask(name, request, step, draw)
        body = server.answer(step["turn"], stream=step["stream"], draw=draw, thinks=step["thinks"])
        if step["stream"]:
            stream = wire.open_stream(request=request, upstream_id=row.id)
            middle = len(body) // 2
            return _sent_back(run(stream, body[:middle], body[middle:]).blocks)
        return wire.decode_reply(body, request=request, upstream_id=row.id).content


def _learns(words: str, request: MessagesRequest, row: UpstreamRow) -> bool:
    """What the pipeline does with a refusal that it knows."""
    body = json.dumps({"error": {"message": words}}).encode()
    error = FORMATS[row.format].decode_error(400, body, None)
    assert isinstance(error, UpstreamRefused)
    return learned.learns(error, request, row)


def _sent_back(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: block[name] for name in block if name != "json"} for block in blocks]


def _request(messages: list[Any], *, thinks: bool, stops: list[str]) -> MessagesRequest:
    body: dict[str, Any] = {
        "model": "m",
        "max_tokens": 4096,
        "messages": messages,
        "tools": TOOLS,
        "system": "Be brief.",
    }
    if thinks:
        body["thinking"] = {"type": "enabled", "budget_tokens": 2000}
        body["context_management"] = {"edits": [{"type": "clear_thinking_20251015"}]}
    if stops:
        body["stop_sequences"] = stops
    return parse.messages_request(json.dumps(body).encode())


# Without a search for a smaller example, which takes minutes.
@settings(max_examples=200, deadline=None, phases=[Phase.generate])
@given(
    steps=steps,
    thinks=st.booleans(),
    stops=st.lists(st.sampled_from("abcdefgh").map(lambda one: one * 30), max_size=6, unique=True),
)
def test_each_upstream_accepts_what_the_others_have_said(
    steps: list[dict[str, Any]], thinks: bool, stops: list[str]
):
    upstreams, draw = Upstreams(), random.Random(7)
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]
    for step in steps:
        if step["system"]:
            messages.append({"role": "system", "content": step["system"]})
        content = upstreams.ask(
            step["server"], _request(messages, thinks=thinks, stops=stops), step, draw
        )
        assert all(block["signature"] for block in content if block["type"] == "thinking")
        if step["drops_thinking"]:
            content = [block for block in content if block["type"] != "thinking"]
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": "ok"}
            for block in content
            if block["type"] == "tool_use"
        ]
        text = step["text_after_results"] or (None if results else "Go on.")
        asked = [*results, *([{"type": "text", "text": text}] if text else [])]
        messages += [{"role": "assistant", "content": content}, {"role": "user", "content": asked}]
    for name in ("messages", "other messages", *SERVERS):
        upstreams.ask(name, _request(messages, thinks=thinks, stops=stops), steps[0], draw)
