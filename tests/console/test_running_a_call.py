"""A call from a page: the API's answer byte for byte, paid by the workspace of the session."""

import re

from billing.models import Source
from tests.support.callers import Answer, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.page_caller import PageCaller, at_a_page
from tests.support.replies import events, says, streams, wait
from tests.support.scripted_catalogue import bound
from tests.support.scripted_upstream import ScriptedUpstream
from usage.models import Ending


def page_of(customer: Customer) -> PageCaller:
    return at_a_page(customer.owner, url=customer.url)


def without_ids(answer: Answer) -> bytes:
    """Return a body without what differs from call to call: its id, and the balance after it."""
    return re.sub(rb'msg_[0-9a-f]{32}|"credits_remaining":\d+', b"", answer.body)


def test_a_plain_call_is_answered_as_at_the_api_and_charged_as_the_answer_says(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says("Hello there"))

    answer = page_of(customer).ask(script.prompt)

    assert answer.status == 200
    assert without_ids(answer) == without_ids(customer.ask(script.prompt))
    charged = answer.json()["usage"]["credits_consumed"]
    assert charged == int(answer.headers["caicaini-credits-consumed"]) == customer.charges()[0]
    held = bound(request_body(script.prompt), max_tokens=100)
    assert int(answer.headers["caicaini-credits-held"]) == held
    assert answer.headers["caicaini-route"] == "scripted/messages"


def test_a_streamed_call_is_answered_as_at_the_api_and_charged_as_the_answer_says(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says("Hello there"))

    answer = page_of(customer).ask(script.prompt, stream=True)

    assert without_ids(answer) == without_ids(customer.stream(script.prompt))
    assert answer.transcript.usage["credits_consumed"] == customer.charges()[0]
    assert answer.headers["request-id"].startswith("req_")
    assert int(answer.headers["caicaini-credits-held"]) > 0


def test_a_call_is_recorded_with_its_source_and_its_member_and_without_a_key(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    page_of(customer).ask(upstream.script(says("Hello there")).prompt)

    record = customer.wait_for_record()
    assert (record.source, record.member_id) == (Source.CONSOLE, customer.owner.pk)
    assert record.key_id is None


def test_no_page_of_another_site_may_read_an_answer(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    page = page_of(customer)

    for answer in (page.ask(upstream.script(says("Hello")).prompt), page.ask("", model="none")):
        assert answer.headers["access-control-allow-origin"] is None


def test_stop_in_mid_stream_cancels_the_call_and_charges_what_was_delivered(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(streams(*events("Hello there, how are you")[:4], wait))
    call = page_of(customer).begin(script.prompt, stream=True)
    call.read_until("content_block_delta")

    call.hang_up()

    record = customer.wait_for_record()
    assert record.ending == Ending.CALLER_LEFT
    assert customer.charges() == [record.credits]
    assert record.credits > 0


def test_a_session_that_ends_in_mid_stream_does_not_cut_the_stream(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(streams(*events("Hello there")[:4], wait, *events("Hello there")[4:]))
    page = page_of(customer)
    call = page.begin(script.prompt, stream=True)
    call.read_until("content_block_delta")

    customer.owner.is_active = False
    customer.owner.save(update_fields=["is_active"])
    assert page.ask("Hello").status == 401
    script.release()

    assert call.read_until("message_stop")


def test_errors_have_the_api_s_shape(new_customer: NewCustomer, upstream: ScriptedUpstream) -> None:
    page = page_of(new_customer(credits=10))

    refusals = [
        page.ask("Hello"),
        page.ask("Hello", model="scripted/none"),
        page.ask("Hello", max_tokens=-1),
        page.send(b"{").answer(),
    ]

    assert [answer.status for answer in refusals] == [402, 404, 400, 400]
    assert [answer.error["type"] for answer in refusals] == [
        "billing_error",
        "not_found_error",
        "invalid_request_error",
        "invalid_request_error",
    ]
