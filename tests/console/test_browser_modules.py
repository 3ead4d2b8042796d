"""The scripts of a run read a stream however it is cut, and put its answer together."""

import json
from base64 import b64encode
from typing import Any

from tests.support import node
from tests.support.replies import event, events

STREAM = b"".join([b": a comment\n\n", event("ping"), *events("Grüße, 世界 👋 there")])

READ = """
const bytes = Uint8Array.from(Buffer.from("%s", "base64"));
const seen = new Set();
for (let size = 1; size <= bytes.length; size += 1) {
  const stream = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size)
        controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
  const read = [];
  for await (const event of eventsOf(stream)) read.push(event);
  seen.add(JSON.stringify(read));
}
console.log(JSON.stringify([...seen].map(JSON.parse)));
"""

APPLY = """
const run = %s;
console.log(JSON.stringify(run.reduce(applied, null)));
"""


def read_in_chunks_of_every_size(stream: bytes) -> list[Any]:
    """Return each different reading of the stream; there should be one."""
    encoded = b64encode(stream).decode()
    readings: list[Any] = node.evaluate("run/sse.js", READ % encoded)
    return readings


def message_of(stream: list[bytes]) -> dict[str, Any]:
    """Return the message that the page makes of a stream."""
    [run] = read_in_chunks_of_every_size(b"".join(stream))
    message: dict[str, Any] = node.evaluate("run/message.js", APPLY % json.dumps(run))
    return message


def test_events_are_the_same_in_chunks_of_every_size() -> None:
    [read] = read_in_chunks_of_every_size(STREAM)

    assert [one["name"] for one in read[:3]] == ["comment", "ping", "message_start"]
    assert "".join(one["text"] for one in read).encode() == STREAM
    assert sum(one["bytes"] for one in read) == len(STREAM)
    assert read[2]["data"]["message"]["role"] == "assistant"


def test_a_stream_without_its_last_bytes_ends_with_its_last_complete_event() -> None:
    [read] = read_in_chunks_of_every_size(STREAM[:-1])

    assert read[-1]["name"] == "message_delta"


def test_the_answer_of_a_stream_is_put_together() -> None:
    message = message_of(events("Hello there"))

    assert message["content"] == [{"type": "text", "text": "Hello there"}]
    assert message["stop_reason"] == "end_turn"
    assert message["usage"]["output_tokens"] == 23


def test_the_input_of_a_tool_is_parsed_and_one_that_was_cut_stays_text() -> None:
    call = {"type": "tool_use", "id": "call_1", "name": "clock", "input": {}}
    first, *_ = events("")

    def calls(*pieces: str) -> dict[str, Any]:
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        stream = [
            first,
            event("content_block_start", index=0, content_block=call),
            *(event("content_block_delta", index=0, delta=delta) for delta in deltas),
            event("content_block_stop", index=0),
        ]
        return dict(message_of(stream)["content"][0])

    assert calls('{"zone": ', '"UTC"}') == call | {"input": {"zone": "UTC"}}
    assert calls('{"zone": ') == call | {"partialJson": '{"zone": '}
