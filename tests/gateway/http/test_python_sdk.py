"""A caller drives the gateway with the official Python SDK: only the address and the key differ."""

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic, beta_tool
from anthropic.types import ModelCapabilities

from tests.gateway.http.test_plain_calls import WEATHER
from tests.support import agent_turn
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import (
    answers,
    counts,
    cut,
    event,
    events,
    message,
    says,
    streams,
    then,
    until_read,
)
from tests.support.scripted_upstream import ScriptedUpstream

TEXT = "The quick brown fox jumps over the lazy dog"
BUSY = answers(b'{"error": {"type": "overloaded_error"}}', status=529)


@pytest.fixture
def client(customer: Customer) -> Iterator[Anthropic]:
    with Anthropic(base_url=customer.url, api_key=customer.token, max_retries=0) as client:
        yield client


def request(prompt: str, **options: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": prompt}]
    return {"model": "scripted/messages", "max_tokens": 100, "messages": turns, **options}


def ask(client: Anthropic, prompt: str, **options: Any) -> Any:
    return client.messages.create(**request(prompt, **options))


def listen(client: Anthropic | AsyncAnthropic, prompt: str, **options: Any) -> Any:
    """Return the SDK's helper for streams."""
    return client.messages.stream(**request(prompt, **options))


def test_it_reads_a_whole_answer(
    client: Anthropic, customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says(TEXT))

    reply = ask(client, script.prompt)

    assert reply.content[0].text == TEXT
    assert reply.stop_reason == "end_turn"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (14, 23)
    assert reply.usage.credits_consumed == 60
    assert reply._request_id.startswith("req_")
    assert customer.charges() == [60]


@pytest.mark.parametrize("model", ["scripted/messages", "scripted/chat"])
def test_it_reads_a_stream(
    client: Anthropic, customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    script = upstream.script(says(TEXT))

    with listen(client, script.prompt, model=model) as stream:
        heard = list(stream.text_stream)
        final = stream.get_final_message()

    assert "".join(heard) == TEXT
    assert len(heard) > 1
    assert final.content[0].text == TEXT
    assert final.model == model
    assert (final.usage.input_tokens, final.usage.output_tokens) == (14, 23)
    assert customer.charges() == [60]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("scripted/priced", "a-name-for-insiders"),
        ("anthropic/claude-sonnet", "claude-sonnet-4-5"),
    ],
)
def test_betas_and_their_fields_pass_the_list_of_a_model(
    client: Anthropic,
    customer: Customer,
    upstream: ScriptedUpstream,
    model: str,
    name: str,
    stream: bool,
) -> None:
    customer.give(10**7)
    script = upstream.script(says(TEXT))
    # More would make the SDK insist on a stream.
    turn = agent_turn.fields(script.prompt, model=model) | {"max_tokens": 4_000, "stream": stream}

    reply: Any = client.beta.messages.create(**turn, betas=agent_turn.BETAS.split(","))

    if stream:
        assert [one.type for one in reply][-1] == "message_stop"
    else:
        assert reply.content[0].text == TEXT
    [seen] = script.requests
    assert seen.body == turn | {"model": name}
    assert seen.headers["anthropic-beta"] == agent_turn.BETAS


def test_it_finds_the_price_in_the_last_delta_of_a_stream(
    client: Anthropic, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says(TEXT))

    heard = list(ask(client, script.prompt, stream=True))

    [last] = [part for part in heard if part.type == "message_delta"]
    assert last.usage.credits_consumed == 60


def test_it_runs_a_loop_of_tools(client: Anthropic, upstream: ScriptedUpstream) -> None:
    block = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
    pieces = ['{"ci', 'ty": "Li', 'ma"}']
    asking = upstream.script(
        streams(
            events()[0],
            event("content_block_start", index=0, content_block=block),
            *(
                event(
                    "content_block_delta",
                    index=0,
                    delta={"type": "input_json_delta", "partial_json": piece},
                )
                for piece in pieces
            ),
            event("content_block_stop", index=0),
            event("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 9}),
            event("message_stop"),
        )
    )

    with listen(client, asking.prompt, tools=[WEATHER]) as stream:
        first = stream.get_final_message()

    assert first.stop_reason == "tool_use"
    assert first.content[0].input == {"city": "Lima"}

    answering = upstream.script(says("Foggy"))
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": answering.prompt}
    turns = [
        {"role": "user", "content": "What is the weather in Lima?"},
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    second = ask(client, "", messages=turns, tools=[WEATHER])
    assert second.content[0].text == "Foggy"


def test_it_runs_a_loop_of_tools_by_itself(
    client: Anthropic, customer: Customer, upstream: ScriptedUpstream
) -> None:
    """It sends what is new alone, to a server that holds the rest, until it hears that ours does
    not."""

    @beta_tool
    def weather(city: str) -> str:
        """Tell the weather in a city."""
        return f"Foggy in {city}"

    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Lima"}}
    asking = answers(message(content=[call], stop_reason="tool_use"))
    script = upstream.script(then(asking, says("Foggy")))
    tools: list[Any] = [weather]

    last: Any = client.beta.messages.tool_runner(**request(script.prompt), tools=tools).until_done()

    assert last.content[0].text == "Foggy"
    sent = script.requests[-1].body
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][2]["content"][0]["content"] == "Foggy in Lima"
    assert "thread" not in sent
    assert customer.charges() == [60, 60]


def test_it_goes_on_with_a_conversation_that_it_wants_held(
    client: Anthropic, customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())
    thread = client.beta.messages.thread(model="scripted/messages", max_tokens=100, system="Hm.")

    for text in (script.prompt, "And then?", "And then?"):
        thread.send({"role": "user", "content": text})

    sent = script.requests[-1].body
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert sent["system"] == "Hm."
    assert customer.charges() == [60, 60, 60]


def test_it_reads_thinking_with_its_signature(
    client: Anthropic, upstream: ScriptedUpstream
) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
    said = {"type": "text", "text": "Yes"}
    script = upstream.script(answers(message(content=[thought, said])))

    reply = ask(client, script.prompt, max_tokens=4000, thinking={"type": "adaptive"})

    assert [block.type for block in reply.content] == ["thinking", "text"]
    assert (reply.content[0].thinking, reply.content[0].signature) == ("Hm.", "c2lnbmVk")


def test_it_sends_an_image(client: Anthropic, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says("A dot"))
    pixel = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    source = {"type": "base64", "media_type": "image/gif", "data": pixel}
    content = [{"type": "image", "source": source}, {"type": "text", "text": script.prompt}]

    reply = ask(client, "", messages=[{"role": "user", "content": content}])

    assert reply.content[0].text == "A dot"
    assert script.requests[0].body["messages"][0]["content"][0]["source"] == source


def test_it_raises_the_error_of_each_kind(
    client: Anthropic, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    poor = new_customer(credits=0)
    script = upstream.script(BUSY)

    with pytest.raises(anthropic.BadRequestError) as bad_request:
        ask(client, "Hello", messages=[])
    with pytest.raises(anthropic.NotFoundError) as not_found:
        ask(client, "Hello", model="nothing")
    with pytest.raises(anthropic.AuthenticationError):
        ask(client.with_options(api_key="cai_api_wrong"), "Hello")
    with pytest.raises(anthropic.PaymentRequiredError) as out_of_credits:
        ask(client.with_options(api_key=poor.token, max_retries=2), "Hello")
    with pytest.raises(anthropic.OverloadedError) as overloaded:
        ask(client, script.prompt)

    assert "messages: at least one message" in bad_request.value.message
    assert "model: nothing" in not_found.value.message
    assert not_found.value.request_id is not None
    assert out_of_credits.value.type == "billing_error"
    assert overloaded.value.status_code == 529
    assert overloaded.value.type == "overloaded_error"


def test_it_tries_again_by_itself_when_the_upstream_is_busy(
    client: Anthropic, customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(then(BUSY, BUSY, BUSY, says()))

    reply = ask(client.with_options(max_retries=5), script.prompt)

    assert reply.content[0].text == "Hello there"
    assert customer.charges() == [60]


def test_it_hears_that_a_stream_broke(
    client: Anthropic, customer: Customer, upstream: ScriptedUpstream
) -> None:
    """To the SDK a bare end of the connection would look like success."""
    script = upstream.script(streams(*events(TEXT)[:4], until_read, cut))

    with pytest.raises(anthropic.APIStatusError) as broken:
        for _ in ask(client, script.prompt, stream=True):
            pass

    assert broken.value.type == "api_error"
    assert customer.charges() == []


def test_it_leaves_a_stream_early(
    client: Anthropic, customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(streams(*events(TEXT)[:4], lambda exchange: exchange.stay_silent()))

    with listen(client, script.prompt) as stream:
        assert next(iter(stream.text_stream)) == "The"

    script.wait_for_hang_up()
    record = customer.wait_for_record()
    assert customer.charges() == [14 + 2 * record.output_tokens]


def test_it_counts_tokens(
    client: Anthropic, customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says(), counting=counts(321))
    turns: Any = [{"role": "user", "content": script.prompt}]

    counted = client.messages.count_tokens(model="scripted/messages", messages=turns)

    assert counted.input_tokens == 321
    assert script.requests == []
    assert customer.charges() == []


def test_it_lists_and_finds_models(client: Anthropic) -> None:
    listed = [model.id for model in client.models.list(limit=2)]

    assert len(listed) == len(set(listed)) > 4
    assert client.models.retrieve("scripted/messages").max_tokens == 4096
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("nothing")


def test_it_finds_what_a_model_can_do(client: Anthropic) -> None:
    """To the SDK a capability that is not named is an error."""
    able = client.models.retrieve("scripted/messages").capabilities
    plain = client.models.retrieve("caicaini/swift").capabilities

    assert able is not None
    assert plain is not None
    assert able.image_input.supported
    assert able.pdf_input.supported
    assert able.structured_outputs.supported
    assert able.thinking.types.enabled.supported
    assert able.effort.high.supported
    for name in ModelCapabilities.model_fields:
        assert not getattr(plain, name).supported


def test_it_streams_without_blocking(customer: Customer, upstream: ScriptedUpstream) -> None:
    scripts = [upstream.script(says(f"{number} {TEXT}")) for number in range(10)]

    async def hear(client: AsyncAnthropic, prompt: str) -> str:
        async with listen(client, prompt) as stream:
            return "".join([text async for text in stream.text_stream])

    async def hear_all() -> list[str]:
        async with AsyncAnthropic(base_url=customer.url, api_key=customer.token) as client:
            return await asyncio.gather(*(hear(client, script.prompt) for script in scripts))

    assert asyncio.run(hear_all()) == [f"{number} {TEXT}" for number in range(10)]
    assert customer.charges() == [60] * 10


def test_it_talks_to_the_embedded_model(
    client: Anthropic, customer: Customer, embedded_model: str
) -> None:
    reply = ask(client, "Say a few words about rain.", model="caicaini/auto", max_tokens=12)
    with listen(client, "Count from one to ten.", model="caicaini/auto", max_tokens=12) as stream:
        heard = list(stream.text_stream)

    assert reply.model == embedded_model
    assert reply.content[0].text
    assert len(heard) > 1
    assert customer.charges()[0] == reply.usage.credits_consumed
