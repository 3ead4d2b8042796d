"""A chat completions server that refuses what the services of one provider refuse.

deepseek, kimi   the second turn of a tool loop without the reasoning of the first
gemini           a tool call without the signature that came with it
openai           ids above 40 characters, more than four stop sequences, unknown members,
                 `strict` for a schema beyond its subset
mistral          ids that are not nine letters and digits, a user message after results of tools
qwen             a system message after the first message
    vllm             nothing of these, but it uses the same ids in each answer
"""

import base64
import hashlib
import hmac
import json
import random
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.support.strict.messages_server import Refused, cut

Message = dict[str, Any]

_FIELDS = {
    *("model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop"),
    *("tools", "tool_choice", "parallel_tool_calls", "reasoning_effort", "response_format"),
    *("stream", "stream_options", "thinking", "reasoning", "chat_template_kwargs"),
}
_IS_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}").fullmatch
_SKIPPED = "skip_thought_signature_validator"


@dataclass(frozen=True)
class ChatServer:
    """One provider. `ids` are the ids of calls that it takes; `id_style` those that it makes."""

    name: str
    reasoning_field: str = ""
    is_reasoning_needed: bool = False
    signs_calls: bool = False
    ids: str = r"[\s\S]{1,40}"
    id_style: str = "call_{}"
    most_stops: int = 16
    takes_system_turns: bool = True
    takes_stream_options: bool = True
    takes_user_after_tools: bool = True
    follows_strictly: bool = False

    path = "/v1/chat/completions"

    # --- What it refuses ------------------------------------------------------------------------

    def check(self, body: dict[str, Any]) -> None:
        """Raises Refused."""
        for name in body.keys() - _FIELDS:
            raise Refused(f"Unknown parameter: '{name}'.")
        if "stream_options" in body and not self.takes_stream_options:
            raise Refused("stream_options: Extra inputs are not permitted")
        if len(body.get("stop", [])) > self.most_stops:
            raise Refused(f"Invalid 'stop': array too long. Expected at most {self.most_stops}")
        self._check_tools(body)
        if self.follows_strictly:
            _check_strict(body)
        if not body["messages"]:
            raise Refused("Invalid 'messages': empty array.")
        for n, message in enumerate(body["messages"]):
            self._check_message(message, n)
        self._check_order(body["messages"])

    def _check_tools(self, body: dict[str, Any]) -> None:
        names = [tool["function"]["name"] for tool in body.get("tools", [])]
        if "tools" in body and not names:
            raise Refused("Invalid 'tools': empty array.")
        if len(set(names)) < len(names) or not all(map(_IS_NAME, names)):
            raise Refused("Invalid 'tools[0].function.name': string does not match pattern.")
        for tool in body.get("tools", []):
            if tool["function"]["parameters"].get("type") != "object":
                raise Refused("Invalid schema for function: schema must be of type 'object'.")
        if "tool_choice" in body and not names:
            raise Refused("'tool_choice' is only allowed when 'tools' are specified.")

    def _check_message(self, message: Message, n: int) -> None:
        role = message["role"]
        members = {"role", "content"}
        if role == "assistant":
            members |= {"tool_calls", self.reasoning_field} - {""}
        if role == "tool":
            members |= {"tool_call_id"}
        if extra := message.keys() - members:
            raise Refused(f"messages[{n}]: unknown member '{extra.pop()}'")
        if role == "system" and n and not self.takes_system_turns:
            raise Refused("System message must be at the beginning.")
        if role == "assistant":
            self._check_assistant(message, n)
        elif role == "tool" and not isinstance(message["content"], str):
            raise Refused(f"messages[{n}].content: expected a string")
        elif role != "tool" and not message["content"]:
            raise Refused(f"messages[{n}].content: must not be empty")

    def _check_assistant(self, message: Message, n: int) -> None:
        calls = message.get("tool_calls")
        if calls == [] or (not calls and not message.get("content")):
            raise Refused(f"messages[{n}]: content or tool_calls must be set")
        if message.get("content") == "":
            raise Refused(f"messages[{n}].content: must not be empty")
        for call in calls or []:
            self._check_call(call, n)
        if calls and self.is_reasoning_needed and not message.get(self.reasoning_field):
            raise Refused(f"Missing `{self.reasoning_field}` field in the assistant message {n}")
        if calls and self.signs_calls:
            extra = calls[0].get("extra_content", {})
            signature = extra.get("google", {}).get("thought_signature")
            if signature not in (_SKIPPED, self.sign(calls[0]["function"]["arguments"])):
                raise Refused("Function call is missing a thought_signature in functionCall parts.")

    def _check_call(self, call: dict[str, Any], n: int) -> None:
        extra = call.keys() - {"id", "type", "function", "extra_content"}
        if extra or ("extra_content" in call and not self.signs_calls):
            raise Refused(f"messages[{n}].tool_calls: unknown member")
        if not re.fullmatch(self.ids, call["id"]):
            raise Refused(f"messages[{n}].tool_calls[0].id: string does not match {self.ids}")
        if not _IS_NAME(call["function"]["name"]):
            raise Refused(f"messages[{n}].tool_calls[0].function.name: does not match pattern")
        if not isinstance(json.loads(call["function"]["arguments"]), dict):
            raise Refused(f"messages[{n}].tool_calls[0].function.arguments: not an object")

    def _check_order(self, messages: list[Message]) -> None:
        """Each call is answered once, directly after it."""
        waiting: list[str] = []
        roles = [message["role"] for message in messages]
        if not self.takes_user_after_tools and ("tool", "user") in pairwise(roles):
            raise Refused("Unexpected role 'user' after role 'tool'")
        for n, message in enumerate(messages):
            if message["role"] == "tool":
                if message["tool_call_id"] not in waiting:
                    raise Refused("messages with role 'tool' must be a response to a preceding message with 'tool_calls'")  # fmt: skip  # noqa: E501
                waiting.remove(message["tool_call_id"])
                continue
            if waiting:
                raise Refused(f"messages[{n}]: tool_call_ids without response messages: {waiting}")
            waiting = [call["id"] for call in message.get("tool_calls", [])]
            if len(set(waiting)) < len(waiting):
                raise Refused(f"messages[{n}]: duplicate tool call ids")
        if waiting:
            raise Refused(f"tool_call_ids without response messages: {waiting}")

    # --- What it answers ------------------------------------------------------------------------

    def sign(self, arguments: str) -> str:
        key = self.name.encode()
        value = json.dumps(json.loads(arguments), sort_keys=True)
        return base64.b64encode(hmac.digest(key, value.encode(), hashlib.sha256)).decode()

    def answer(
        self, turn: dict[str, Any], *, stream: bool, draw: random.Random, thinks: bool = True
    ) -> bytes:
        """A turn in this format: `thinking`, `text` and `calls` of a name and an input each."""
        message: Message = {"role": "assistant", "content": turn.get("text") or None}
        if self.reasoning_field and turn.get("thinking") and thinks:
            message[self.reasoning_field] = turn["thinking"]
        calls = [
            self._call(place, name, value, draw)
            for place, (name, value) in enumerate(turn.get("calls", []))
        ]
        reason = "tool_calls" if calls else "stop"
        if stream:
            return _streamed(message, calls, reason, draw)
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return json.dumps(
            {"object": "chat.completion", "choices": [choice], "usage": _USAGE}
        ).encode()

    def _call(self, place: int, name: str, value: Any, draw: random.Random) -> dict[str, Any]:
        arguments = json.dumps(value)
        call_id = self.id_style.format(draw.randbytes(12).hex(), name=name, place=place)
        function = {"name": name, "arguments": arguments}
        call: dict[str, Any] = {"id": call_id, "type": "function", "function": function}
        if self.signs_calls and not place:
            call["extra_content"] = {"google": {"thought_signature": self.sign(arguments)}}
        return call


SERVERS = {
    one.name: one
    for one in (
        ChatServer("", reasoning_field="reasoning"),
        ChatServer("vllm", reasoning_field="reasoning", id_style="call_{place}"),
        ChatServer("deepseek", reasoning_field="reasoning_content", is_reasoning_needed=True),
        ChatServer(
            "kimi",
            reasoning_field="reasoning_content",
            is_reasoning_needed=True,
            id_style="functions.{name}:{}",
        ),
        ChatServer("gemini", signs_calls=True, id_style="function-call-{}", ids=r"[\s\S]{1,64}"),
        ChatServer("openai", ids=r"[a-zA-Z0-9_-]{1,40}", most_stops=4, follows_strictly=True),
        ChatServer(
            "mistral",
            ids=r"[a-zA-Z0-9]{9}",
            id_style="{:.9}",
            takes_stream_options=False,
            takes_user_after_tools=False,
        ),
        ChatServer("qwen", reasoning_field="reasoning_content", takes_system_turns=False),
    )
}
_USAGE = {"prompt_tokens": 14, "completion_tokens": 23, "total_tokens": 37}


_NOT_PERMITTED = {
    *("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas"),
    *("default", "minLength", "maxLength", "uniqueItems", "minProperties", "maxProperties"),
    *("patternProperties", "propertyNames", "contains", "unevaluatedProperties"),
}
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")


def _check_strict(body: dict[str, Any]) -> None:
    """Each schema that is to be followed strictly, in the words of the real service."""
    functions = [tool["function"] for tool in body.get("tools", [])]
    schemas = [one["parameters"] for one in functions if one.get("strict")]
    wanted = body.get("response_format", {}).get("json_schema", {})
    schemas += [wanted["schema"]] if wanted.get("strict") else []
    for schema in schemas:
        if schema.get("type") != "object" or "anyOf" in schema:
            raise Refused("Invalid schema: schema must be a JSON Schema of 'type: \"object\"'.")
        _check_schema(schema, "()")


def _check_schema(schema: Any, place: str) -> None:
    if isinstance(schema, list):
        for one in schema:
            _check_schema(one, place)
    if not isinstance(schema, dict):
        return
    if found := _NOT_PERMITTED & schema.keys():
        raise Refused(f"Invalid schema: In context={place}, '{found.pop()}' is not permitted.")
    if schema.get("format", "date") not in _FORMATS:
        raise Refused(f"Invalid schema: In context={place}, '{schema['format']}' is no format.")
    if "object" in str(schema.get("type")):
        if schema.get("additionalProperties") is not False:
            raise Refused(f"Invalid schema: In context={place}, 'additionalProperties' is required")
        if sorted(schema.get("required", [])) != sorted(schema.get("properties", {})):
            raise Refused(f"Invalid schema: In context={place}, 'required' is required")
    for name, inner in schema.get("properties", {}).items():
        _check_schema(inner, f"('properties', '{name}')")
    for name in ("items", "anyOf"):
        _check_schema(schema.get(name), f"({name!r})")
    for inner in schema.get("$defs", {}).values():
        _check_schema(inner, "('$defs')")


def _streamed(
    message: Message, calls: list[dict[str, Any]], reason: str, draw: random.Random
) -> bytes:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for name in message.keys() - {"role", "content"}:
        deltas += [{name: one} for one in cut(message[name], draw)]
    deltas += [{"content": one} for one in cut(message["content"] or "", draw)]
    for index, call in enumerate(calls):
        function = call["function"]
        opening = {"name": function["name"], "arguments": ""}
        deltas.append({"tool_calls": [call | {"index": index, "function": opening}]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": one}}]}
            for one in cut(function["arguments"], draw)
        ]
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    chunks.append({"choices": [], "usage": _USAGE})
    return b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in chunks) + b"data: [DONE]\n\n"
