"""Decodes the chunks of a streamed chat completion into the events of a message."""

from collections.abc import Mapping
from typing import Any

from catalogue.habits import USUAL, Habits
from gateway import sse
from gateway.errors import UpstreamEmpty, UpstreamFailed
from gateway.formats import lenient_json, tool_names, upstream_errors
from gateway.formats.chat import emptiness, reply, stop_watch, think_tags, thoughts, usage
from gateway.formats.chat.tool_calls import CallsInOrder, PendingCall
from gateway.formats.event_stream import EventStream
from gateway.reply import blocks, stop_reasons, tool_inputs
from gateway.reply.blocks import TextBlock, ToolBlock
from gateway.reply.events import Event
from gateway.reply.token_usage import estimate_tokens
from gateway.request.parse import MessagesRequest


class ChatStream(EventStream):
    """Accepts text, thinking and tool calls interleaved; the resequencer puts them in order."""

    def __init__(
        self,
        request: MessagesRequest,
        *,
        names: tool_names.Names,
        hide: Mapping[str, str] | None = None,
        upstream_id: int = 0,
        habits: Habits = USUAL,
    ) -> None:
        super().__init__(input_tokens_estimate=estimate_tokens(request.text_bytes), hide=hide)
        self._request = request
        self._upstream_id = upstream_id
        self._stops: list[str] = request.fields.get("stop_sequences", [])
        self._watch = stop_watch.StopWatch(self._stops) if stop_watch.needed(self._stops) else None
        self._tags = think_tags.TagSplitter() if habits.thinking_tags else None
        self._tail_chars = max(map(len, self._stops), default=0)
        self._names = names
        self._text: TextBlock | None = None  # the latest
        self._thinking: thoughts.SealedThinking | None = None  # the latest
        self._is_thinking_last = False  # of all blocks
        self._calls = CallsInOrder()
        self._tail = ""
        self._has_begun = False
        self._finish_reason: str | None = None
        self._matched_stop: str | None = None
        self._has_refused = False
        self._has_reasoning = False  # in a field of its own

    def _decode(self, received: sse.ServerSentEvent) -> list[Event]:
        if received.data.strip() == b"[DONE]":
            return self._finish() if self._has_begun else self._out.fail(UpstreamFailed())
        chunk = lenient_json.decode_object(received.data, self._repair)
        error = upstream_errors.in_band(chunk)
        if error is None and received.event == "error":  # all of it, in servers that name events
            error = chunk
        if error is not None:
            return self._out.fail(upstream_errors.decode_in_band(error, hide=self._hide))
        self._out.tally.merge(usage.reported(chunk))
        if not isinstance(chunk.get("choices"), list):
            return []
        self._has_begun = True
        events = self._out.start()
        choice = reply.first_choice(chunk)
        return events if choice is None else events + self._decode_choice(choice)

    def _has_stop_reason(self) -> bool:
        return self._finish_reason is not None

    def _end(self) -> list[Event]:
        """Not every server sends [DONE]; without it, only a finish reason distinguishes a complete
        answer from a broken connection."""
        return self._finish() if self._finish_reason else self._out.fail(UpstreamFailed())

    def _decode_choice(self, choice: dict[str, Any]) -> list[Event]:
        self._out.tally.merge(usage.reported_in_choice(choice))
        # It may raise: before the content that comes with it, of which no event must be lost.
        self._finish_reason = reply.merge_finish_reasons(
            choice.get("finish_reason"), self._finish_reason
        )
        events: list[Event] = []
        delta = choice.get("delta")
        if delta is None:
            delta = self._whole_message(choice)
        if isinstance(delta, dict):
            if (reasoning := thoughts.reasoning_of(delta)) is not None:
                self._has_reasoning = True
                events += self._emit_thinking(reasoning)
            events += self._emit_content(reply.text_of(delta))
            if refusal := reply.refusal_of(delta):
                self._has_refused = True
                events += self._emit_text(refusal)
            if pieces := reply.calls_of(delta):
                events += self._decode_calls(pieces)
        self._matched_stop = self._matched_stop or reply.matched_stop(choice, self._stops, "")
        return events

    def _whole_message(self, choice: dict[str, Any]) -> Any:
        """A message in one event, from servers that do not stream. It has no deltas before it;
        after them it would repeat what they said."""
        return None if self._has_content else choice.get("message")

    @property
    def _has_content(self) -> bool:
        return bool(self._text or self._thinking or self._calls)

    def _emit_thinking(self, reasoning: thoughts.Reasoning) -> list[Event]:
        events: list[Event] = []
        block = self._thinking
        if block is None or block.is_closed:
            block, events = self._open_thinking()
        block.add(reasoning)
        if not reasoning.text:
            return events
        delta = {"type": "thinking_delta", "thinking": reasoning.text}
        return events + self._out.extend(block, delta)

    def _open_thinking(self) -> tuple[thoughts.SealedThinking, list[Event]]:
        events = self._watched_rest()
        block = self._thinking = thoughts.SealedThinking(self._upstream_id)
        self._is_thinking_last = True
        return block, events + self._out.open(block)

    def _emit_content(self, text: str) -> list[Event]:
        """The text of the answer, and the thinking in tags at its beginning."""
        if self._tags is None:
            return self._emit_text(text)
        return self._emit_split(self._tags.feed(text))

    def _emit_split(self, part: think_tags.Split) -> list[Event]:
        events: list[Event] = []
        # Some servers send it in a field as well.
        if part.thinking and not self._has_reasoning:
            events = self._emit_thinking(thoughts.of_tags(part.thinking))
        return events + self._emit_text(part.text)

    def _emit_text(self, text: str) -> list[Event]:
        if self._watch is None or not text:
            return self._pass_text(text)
        text, stop = self._watch.feed(text)
        events = self._pass_text(text)
        if stop is None:
            return events
        # The server does not know it, and goes on: the answer ends here, by our own count.
        return events + self._out.finish("stop_sequence", stop_sequence=stop, is_ended_by_us=True)

    def _text_kept_back(self) -> list[Event]:
        """Before a block of another kind, or the end."""
        tags, self._tags = self._tags, None
        events = [] if tags is None else self._emit_split(tags.rest())
        return events + self._watched_rest()

    def _watched_rest(self) -> list[Event]:
        return [] if self._watch is None else self._pass_text(self._watch.rest())

    def _pass_text(self, text: str) -> list[Event]:
        if not text:
            return []
        if self._tail_chars:
            self._tail = (self._tail + text)[-self._tail_chars :]
        events: list[Event] = []
        block = self._text
        if block is None or block.is_closed:
            block = self._text = TextBlock()
            self._is_thinking_last = False
            events = self._out.open(block)
        return events + self._out.extend(block, {"type": "text_delta", "text": text})

    def _decode_calls(self, pieces: list[reply.ToolCall]) -> list[Event]:
        events: list[Event] = []
        for call, piece in self._calls.assign(pieces):
            if call.block is None and call.name:
                events += self._keep_extra(piece.extra) + self._open_call(call)
            events += self._emit_arguments(call, piece.arguments)
        return events

    def _keep_extra(self, extra: dict[str, Any] | None) -> list[Event]:
        """Put what belongs to a call into the thinking directly before it."""
        if extra is None:
            return []
        events: list[Event] = []
        block = self._thinking
        if block is None or block.is_closed or block.call or not self._is_thinking_last:
            block, events = self._open_thinking()
        block.call = extra
        return events

    def _open_call(self, call: PendingCall) -> list[Event]:
        wire = {
            "type": "tool_use",
            "id": self._out.ids.claim(call.call_id),
            "name": self._names.restored(call.name),
        }
        events = self._text_kept_back()
        block = call.block = ToolBlock(wire)
        self._is_thinking_last = False
        block.pending += [_fragment(text) for text in call.early]
        return events + self._out.open(block)

    def _emit_arguments(self, call: PendingCall, arguments: Any) -> list[Event]:
        text = tool_inputs.text_of(arguments)
        if not text:
            return []
        call.has_arguments = call.has_arguments or bool(text.strip())
        if call.block is None:
            call.early.append(text)
            return []
        return self._out.extend(call.block, _fragment(text))

    def _finish(self) -> list[Event]:
        events = self._text_kept_back()
        if not self._has_content and emptiness.is_a_fault(
            self._request, finish_reason=self._finish_reason, reported=self._out.tally
        ):
            return self._out.fail(UpstreamEmpty())
        reason = reply.normalise_finish_reason(self._finish_reason, has_refused=self._has_refused)
        if self._is_cut_by_the_limit():
            reason = "length"
        if not stop_reasons.may_cut(reason, stop_sequence=None):
            self._calls.check_names()
        matched = self._matched_stop or reply.matched_stop({}, self._stops, self._tail)
        return events + self._out.finish(reason, stop_sequence=matched)

    def _is_cut_by_the_limit(self) -> bool:
        """vLLM gives the reason `tool_calls` to a call that the limit cuts, too."""
        reported, most = self._out.tally.reported_output, self._request.max_tokens
        return self._calls.is_cut and reported >= max(1, most)


def _fragment(text: str) -> blocks.Delta:
    return {"type": "input_json_delta", "partial_json": text}
