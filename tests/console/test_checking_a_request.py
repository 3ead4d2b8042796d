"""Before a run: the most it can cost and its route; nothing is held, asked or charged."""

import json
from typing import Any

from accounts.models import Role
from console.check import LARGEST_BYTES
from tests.support import people
from tests.support.callers import Answer, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.page_caller import PageCaller, at_a_page
from tests.support.replies import events, says, streams, wait
from tests.support.request_bodies import TOOL, user
from tests.support.scripted_upstream import ScriptedUpstream

CHECK = "/developers/console/check"


def page_of(customer: Customer) -> PageCaller:
    return at_a_page(customer.owner, url=customer.url)


def check(page: PageCaller, prompt: str = "Hello", **fields: Any) -> Answer:
    return page.send(request_body(prompt, **fields), path=CHECK).answer()


def with_image(data: str) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return {"type": "image", "source": source}


def test_the_bound_is_what_the_run_then_holds(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    page, script = page_of(customer), upstream.script(says("Hello"))

    checked = check(page, script.prompt).json()

    ran = page.ask(script.prompt)
    assert checked["bound"] == int(ran.headers["caicaini-credits-held"])
    assert checked["bound_usd"] == f"{checked['bound'] / 100_000:.5f}"
    assert checked["model"] == "scripted/messages"
    assert (checked["balance"], checked["available"]) == (1_000_000, 1_000_000)


def test_an_image_counts_the_same_with_a_placeholder_for_its_data(customer: Customer) -> None:
    page = page_of(customer)
    bounds = [
        check(page, messages=[user(with_image(data))]).json()["bound"]
        for data in ("aGlp", "aGlp" * 20_000)
    ]

    assert bounds[0] == bounds[1]


def test_nothing_is_held_asked_recorded_or_charged(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says("Hello"))

    check(page_of(customer), script.prompt)

    assert not script.requests
    assert customer.wallet().posted == 1_000_000
    assert (customer.open_holds(), customer.records()) == (0, [])


def test_the_router_s_choice_is_explained(customer: Customer) -> None:
    checked = check(page_of(customer), model="caicaini/auto", tools=[TOOL]).json()

    chosen, *others = checked["route"]
    assert chosen == {
        "model": checked["model"],
        "state": "chosen",
        "reason": "cheapest with tools",
    }
    reasons = {(one["model"], one["state"]): one["reason"] for one in others}
    assert reasons["caicaini/swift", "dropped"] == "takes no tools"
    assert check(page_of(customer)).json()["route"][0]["reason"] == "named in the request"


def test_the_api_s_own_words_name_the_fault(customer: Customer) -> None:
    page = page_of(customer)
    tool = {"name": "clock", "input_schema": "no schema"}

    for fields in ({"tools": [tool]}, {"max_tokens": -1}, {"model": "none"}):
        checked, called = check(page, **fields), customer.ask("Hello", **fields)

        assert checked.status == called.status >= 400
        assert checked.error == called.error
    assert check(page, tools=[tool]).error["message"].startswith("tools.0.input_schema: ")


def test_what_does_not_fit_into_the_balance_is_checked_all_the_same(
    new_customer: NewCustomer,
) -> None:
    checked = check(page_of(new_customer(credits=3))).json()

    assert checked["bound"] > checked["available"] == 3


def test_held_credits_are_not_available(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(streams(*events("Hello")[:3], wait, *events("Hello")[3:]))
    page = page_of(customer)
    call = page.begin(script.prompt, stream=True)
    call.read_until("content_block_delta")

    checked = check(page).json()
    script.release()
    call.read_until("message_stop")

    held = int(call.response.headers["caicaini-credits-held"])
    assert checked["balance"] - checked["available"] == held


def test_only_those_who_may_run_may_check(customer: Customer) -> None:
    billing = people.new_member(customer.workspace, Role.BILLING)

    assert check(at_a_page(billing, url=customer.url)).status == 403
    assert check(PageCaller(customer.url, None)).status == 401
    forged = page_of(customer).send(request_body("Hi"), path=CHECK, without=("x-csrftoken",))
    assert forged.answer().status == 403


def test_a_request_that_is_larger_than_text_is_refused(customer: Customer) -> None:
    body = json.dumps({"model": "x" * LARGEST_BYTES}).encode()

    assert page_of(customer).send(body, path=CHECK).answer().status == 413
