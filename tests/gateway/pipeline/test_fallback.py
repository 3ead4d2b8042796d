"""An upstream fails before the first word: the caller is answered all the same, and pays once."""

import pytest

from tests.support.callers import Answer
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import answers, says, then
from tests.support.scripted_upstream import Exchange, Play, Script, ScriptedUpstream
from usage.models import Ending

BROKEN = answers(b"<html>", status=502, content_type="text/html")
BUSY = answers(b'{"error": {"type": "overloaded_error"}}', status=529)


def test_a_failed_attempt_is_repeated_and_only_the_answer_is_paid(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(then(BROKEN, says()))

    answer = customer.ask(script.prompt)

    assert answer.status == 200
    assert len(script.requests) == 2
    assert customer.charges() == [60]
    assert customer.wait_for_record().ending == Ending.COMPLETED


@pytest.mark.parametrize("stream", [False, True])
def test_the_next_upstream_of_the_model_answers_for_a_dead_one(
    customer: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    script = upstream.script(says())

    answer = customer.ask(script.prompt, model="scripted/first-is-dead", stream=stream)

    assert answer.status == 200
    assert len(script.requests) == 1
    assert customer.charges() == [60]


@pytest.mark.parametrize("stream", [False, True])
def test_the_next_upstream_answers_in_its_own_format(
    customer: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    script = upstream.script(then(BUSY, says("Hello there")))

    answer = customer.ask(script.prompt, model="scripted/two", stream=stream)

    paths = [request.path for request in script.requests]
    assert paths == ["/first/v1/messages", "/v1/chat/completions"]
    text = answer.transcript.text if stream else answer.json()["content"][0]["text"]
    assert text == "Hello there"
    assert customer.charges() == [60]


def test_an_upstream_whose_format_has_no_words_for_a_request_does_not_stand_in(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    """To be told that the request is wrong would be no help: with the first upstream it is not."""
    script = upstream.script(then(BUSY, says()))

    answer = ask_with_a_block_of_one_provider(customer, script, model="scripted/two")

    assert answer.status == 200
    assert [request.path for request in script.requests] == ["/first/v1/messages"] * 2
    assert customer.charges() == [60]


def test_where_no_other_has_words_for_a_request_the_failure_is_told(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(BUSY)

    answer = ask_with_a_block_of_one_provider(customer, script, model="scripted/two")

    assert (answer.status, answer.error["type"]) == (529, "overloaded_error")
    assert {request.path for request in script.requests} == {"/first/v1/messages"}


def test_a_request_goes_to_the_upstream_whose_format_has_words_for_it(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())

    answer = ask_with_a_block_of_one_provider(customer, script, model="scripted/chat-first")

    assert answer.status == 200
    assert [request.path for request in script.requests] == ["/v1/messages"]
    assert customer.charges() == [60]


def ask_with_a_block_of_one_provider(customer: Customer, script: Script, *, model: str) -> Answer:
    blocks = [{"type": "text", "text": script.prompt}, {"type": "hologram", "data": "…"}]
    return customer.ask("", model=model, messages=[{"role": "user", "content": blocks}])


@pytest.mark.parametrize("stream", [False, True])
def test_the_next_model_answers_for_the_one_that_auto_chose(
    customer: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    """It costs no more, and the route says who failed."""
    script = upstream.script(says())
    wanted = {"type": "json_schema", "schema": {"type": "object"}}

    answer = customer.ask(
        script.prompt,
        model="caicaini/auto",
        stream=stream,
        tools=[{"name": "look", "input_schema": {"type": "object"}}],
        output_config={"format": wanted},
    )

    told = answer.transcript.start if stream else answer.json()
    assert told["model"] == "scripted/sturdy"
    assert answer.headers["caicaini-route"] == (
        'scripted/sturdy; dropped="caicaini/swift: structured output and tools, '
        'scripted/able: structured output, scripted/frail: failed"'
    )
    record = customer.wait_for_record()
    needs = '; needs="structured_output tools"'  # what the receipt says beside the header's words
    assert record.route.replace(needs, "") == answer.headers["caicaini-route"] != record.route
    assert record.resolved_model == "scripted/sturdy"
    assert customer.charges() == [60]


def test_a_refusal_of_the_request_is_not_taken_elsewhere(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(answers(b'{"error": {"message": "no"}}', status=400))

    assert customer.ask(script.prompt, model="scripted/two").status == 400
    assert len(script.requests) == 1


def test_an_upstream_that_keeps_failing_is_left_alone(
    new_customer: NewCustomer, upstream: ScriptedUpstream, start_gateway: StartGateway
) -> None:
    """After a while the calls go straight to the other one."""
    customer = new_customer(url=start_gateway(UPSTREAM_FAILURES_TO_OPEN="5").url)

    def fail_on_first(play: Play) -> Play:
        async def choose(exchange: Exchange) -> None:
            is_first = exchange.request.path.startswith("/first")
            await (BROKEN if is_first else play)(exchange)

        return choose

    script = upstream.script(fail_on_first(says()))
    for _ in range(8):
        assert customer.ask(script.prompt, model="scripted/two").status == 200

    paths = [request.path for request in script.requests]
    assert paths[-3:] == ["/v1/chat/completions"] * 3
    assert paths.count("/first/v1/messages") == 5
    assert customer.charges() == [60] * 8


def test_a_broken_connection_is_not_used_again(
    new_customer: NewCustomer, upstream: ScriptedUpstream, start_gateway: StartGateway
) -> None:
    """Not even where the upstream closes it just when the next request is on its way."""
    customer = new_customer(url=start_gateway().url)

    async def answer_and_close(exchange: Exchange) -> None:
        await says()(exchange)
        await exchange.cut()

    script = upstream.script(then(*[says(), Exchange.cut, answer_and_close] * 4))

    for _ in range(8):  # at most one retry each, which a new gateway can afford
        assert customer.ask(script.prompt).status == 200

    assert len(script.requests) == 12
    assert customer.charges() == [60] * 8
