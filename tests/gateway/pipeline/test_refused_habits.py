"""A call that an upstream refuses for one of its habits is repeated otherwise, and answered.

The upstream is remembered until the catalogue changes: the next call is made so from the start.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.support.callers import Answer
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import answers, completion, says, then
from tests.support.scripted_upstream import Play, Script, ScriptedUpstream

Body = dict[str, Any]

OFF = {"thinking": {"type": "disabled"}}
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
CALL = {"type": "tool_use", "id": "call_1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "call_1", "content": "ok"}


def refusing(words: str, status: int = 400, **members: Any) -> Play:
    error = {"type": "invalid_request_error", "message": words} | members
    return answers(json.dumps({"error": error}).encode(), status=status)


class Habit(NamedTuple):
    """What a model's upstream refuses, of which request, and how it differs from a refused one."""

    model: str
    refusals: tuple[Play, ...]
    fields: Body
    is_refused: Callable[[Body], bool]
    dropped: str | None = None
    ways: tuple[bool, ...] = (False, True)


HABITS = {
    "thinking that cannot be switched off": Habit(
        "scripted/gemini",
        (refusing("Reasoning is mandatory for this endpoint and cannot be disabled."),),
        OFF,
        lambda body: "reasoning_effort" in body,
    ),
    "an effort that cannot be none": Habit(
        "scripted/openai",
        (refusing("Not this.", param="reasoning_effort", code="unsupported_value"),),
        OFF,
        lambda body: body.get("reasoning_effort") == "none",
    ),
    "thinking of a Messages upstream that cannot be switched off": Habit(
        "scripted/other-messages",
        (refusing("thinking: thinking cannot be disabled for this model"),),
        OFF,
        lambda body: "thinking" in body,
    ),
    "another name for the limit, and no temperature": Habit(
        "scripted/chat",
        (
            refusing("Unsupported parameter: 'max_tokens' is not supported with this model."),
            refusing("Unsupported value: 'temperature' does not support 0.2 with this model."),
        ),
        {"temperature": 0.2},
        lambda body: "max_tokens" in body or "temperature" in body,
        dropped="temperature",
    ),
    "no temperature at a Messages upstream": Habit(
        "scripted/messages",
        (refusing("`temperature` is deprecated for this model."),),
        {"temperature": 0.2},
        lambda body: "temperature" in body,
        dropped="temperature",
    ),
    "no options of a stream": Habit(
        "scripted/deepseek",
        (refusing("stream_options: Extra inputs are not permitted", status=422),),
        {},
        lambda body: "stream_options" in body,
        ways=(True,),
    ),
    "no parallel calls": Habit(
        "scripted/qwen",
        (refusing("property 'parallel_tool_calls' is unsupported"),),
        {
            "tools": [TOOL],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        },
        lambda body: "parallel_tool_calls" in body,
    ),
    "streams alone": Habit(
        "scripted/vllm",
        (refusing("Stream must be set to true"),),
        {},
        lambda body: not body.get("stream"),
        ways=(False,),
    ),
    "streams alone, of a Messages upstream": Habit(
        "scripted/able",
        (answers(b'{"detail": "This model only support stream mode"}', status=400),),
        {},
        lambda body: not body.get("stream"),
        ways=(False,),
    ),
    "a call that is forced while it thinks": Habit(
        "scripted/deepseek",
        (refusing("Thinking mode does not support this tool_choice"),),
        {"tools": [TOOL], "tool_choice": {"type": "any"}, "output_config": {"effort": "high"}},
        lambda body: body.get("thinking") != {"type": "disabled"} or "reasoning_effort" in body,
    ),
    "a call that is forced while it thinks, of a template": Habit(
        "scripted/qwen",
        (
            refusing(
                "<400> InternalError.Algo.InvalidParameter: The tool_choice parameter does not "
                "support being set to required or object in thinking mode"
            ),
        ),
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "look"}},
        lambda body: body.get("chat_template_kwargs") != {"enable_thinking": False},
    ),
    "the reasoning of earlier calls": Habit(
        "scripted/vllm",
        (refusing("The `reasoning_content` in the thinking mode must be passed back to the API."),),
        {"tools": [TOOL]},
        lambda body: not any("reasoning_content" in message for message in body["messages"]),
    ),
    "an answer before the next user message": Habit(
        "scripted/kimi",
        (refusing("Unexpected role 'user' after role 'tool'"),),
        {"tools": [TOOL]},
        lambda body: [message["role"] for message in body["messages"]][-2:] == ["tool", "user"],
    ),
}


def ask(customer: Customer, script: Script, habit: Habit, *, stream: bool) -> Answer:
    turns: list[Body] = [{"role": "user", "content": script.prompt}]
    if "tools" in habit.fields:
        turns += [
            {"role": "assistant", "content": [CALL]},
            {"role": "user", "content": [RESULT, {"type": "text", "text": "And now?"}]},
        ]
    fields = {"model": habit.model, "messages": turns} | habit.fields
    return customer.ask(script.prompt, stream=stream, **fields)


def seen(script: Script, habit: Habit) -> list[bool]:
    return [habit.is_refused(request.body) for request in script.requests]


def test_a_refused_call_is_made_otherwise_and_the_upstream_remembered(
    start_gateway: StartGateway, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    """In a process of its own: others must not learn of it."""
    server = start_gateway()
    for name, habit in HABITS.items():
        customer = new_customer(url=server.url)
        first = upstream.script(then(*habit.refusals, says()))

        answer = ask(customer, first, habit, stream=habit.ways[0])

        assert answer.status == 200, (name, answer.body)
        assert answer.headers["caicaini-dropped"] == habit.dropped, name
        assert seen(first, habit) == [True] * len(habit.refusals) + [False], name
        for stream in habit.ways:
            later = upstream.script(says())
            assert ask(customer, later, habit, stream=stream).status == 200, name
            assert seen(later, habit) == [False], name
        assert customer.charges() == [60] * (1 + len(habit.ways)), name


def test_what_else_the_upstream_takes_it_still_receives(
    start_gateway: StartGateway, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    """An effort that cannot be none may be high."""
    customer = new_customer(url=start_gateway().url)
    habit = HABITS["an effort that cannot be none"]
    ask(customer, upstream.script(then(*habit.refusals, says())), habit, stream=False)
    script = upstream.script(says())

    customer.ask(script.prompt, model=habit.model, output_config={"effort": "high"})

    assert script.requests[0].body["reasoning_effort"] == "high"


def test_what_is_refused_again_is_passed_on(
    start_gateway: StartGateway, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    server = start_gateway()
    for name in (
        "thinking that cannot be switched off",
        "no parallel calls",
        "streams alone",
        "a call that is forced while it thinks",
        "the reasoning of earlier calls",
    ):
        customer, habit = new_customer(url=server.url), HABITS[name]
        script = upstream.script(habit.refusals[0])

        answer = ask(customer, script, habit, stream=habit.ways[0])

        assert (answer.status, answer.error["type"]) == (400, "invalid_request_error"), name
        assert seen(script, habit) == [True, False], name
        assert customer.charges() == []


def test_a_refusal_that_the_call_has_no_part_in_is_passed_on(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    for words in (
        "Reasoning is mandatory for this endpoint and cannot be disabled.",
        "Unexpected role 'user' after role 'tool'",
    ):
        script = upstream.script(refusing(words))
        assert customer.ask(script.prompt, model="scripted/chat").error["message"] == words
        assert len(script.requests) == 1


def test_a_forced_call_of_a_caller_that_wants_thinking_too_is_refused(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    words = "Thinking mode does not support this tool_choice"
    script = upstream.script(refusing(words))

    answer = customer.ask(
        script.prompt,
        model="scripted/deepseek",
        tools=[TOOL],
        tool_choice={"type": "any"},
        thinking={"type": "adaptive"},
    )

    assert answer.error["message"] == words
    assert len(script.requests) == 1


def test_a_call_that_the_server_could_not_read_is_made_again(
    start_gateway: StartGateway, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    """Groq and Gemini; it is the model's fault, and another attempt may do better."""
    customer = new_customer(url=start_gateway().url)
    unread = refusing("Failed to call a function.", code="tool_use_failed")
    choice = {"index": 0, "message": {"role": "assistant", "content": None}}
    bad = choice | {"finish_reason": "function_call_filter: MALFORMED_FUNCTION_CALL"}
    for stream in (False, True):
        for play in (unread, answers(completion(choices=[bad]))):
            script = upstream.script(then(play, says()))
            answer = customer.ask(script.prompt, model="scripted/chat", stream=stream)
            assert answer.status == 200
            assert len(script.requests) == 2
    assert customer.charges() == [60] * 4
