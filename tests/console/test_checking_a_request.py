"""Before a run: the most it can cost and its route; nothing is held, asked or charged."""

import json
from typing import Any

import pytest

from accounts.models import Role
from console.check import LARGEST_BYTES
from console.schema_warnings import MOST_WARNINGS
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


def warnings_of(page: PageCaller, **fields: Any) -> dict[str, str]:
    checked = check(page, **fields)
    assert checked.status == 200, checked.error
    return {one["path"]: one["reason"] for one in checked.json()["warnings"]}


def with_schema(**members: Any) -> dict[str, Any]:
    schema = {"type": "object", **members}
    return {"tools": [TOOL, {"name": "other", "input_schema": schema}]}


AT = "tools.1.input_schema"


@pytest.mark.parametrize(
    ("members", "path", "reason"),
    [
        ({"properties": {"sku": {"type": "strin"}}}, "properties.sku.type", "Not one of the types"),
        ({"properties": []}, "properties", '[] is not of type "object"'),
        ({"required": "sku"}, "required", '"sku" is not of type "array"'),
        ({"properties": {"n": {"minimum": "1"}}}, "properties.n.minimum", 'not of type "number"'),
        ({"type": "string"}, "type", 'the type should be "object"'),
        ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "properties.a.$ref", "There is no"),
        ({"properties": {"type": 5}}, "properties.type", '5 is not of types "boolean", "object"'),
    ],
)
def test_a_schema_that_is_none_is_warned_of_at_its_place_and_can_be_run(
    customer: Customer,
    upstream: ScriptedUpstream,
    members: dict[str, Any],
    path: str,
    reason: str,
) -> None:
    page, fields = page_of(customer), with_schema(**members)

    warned = warnings_of(page, **fields)

    assert reason in warned[f"{AT}.{path}"]
    assert len(warned) == 1
    assert page.ask(upstream.script(says("Hello")).prompt, **fields).status == 200


def test_the_schema_of_a_structured_answer_is_checked_too(customer: Customer) -> None:
    output = {"format": {"type": "json_schema", "schema": {"type": 3}}}

    warned = warnings_of(page_of(customer), output_config=output)

    assert warned.keys() == {"output_config.format.schema.type"}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"properties": {"a": {"$ref": "#/$defs/a~1b%20c"}}, "$defs": {"a/b c": {"type": "null"}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "additionalProperties": False},
        {"properties": {"type": {"type": ["string", "null"]}}, "x-ours": {"type": "what"}},
        {"properties": {"a": {"default": {"$ref": "#/nowhere"}}}},
        {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "https://schemas.example/b.json"}}},
    ],
)
def test_a_good_schema_is_not_warned_of(customer: Customer, members: dict[str, Any]) -> None:
    assert warnings_of(page_of(customer), **with_schema(**members)) == {}


def test_warnings_stay_few_and_a_schema_may_be_as_deep_as_a_request(customer: Customer) -> None:
    page = page_of(customer)
    many = {f"p{number}": {"type": "x" * 5_000} for number in range(50)}
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(300):
        deep = {"type": "object", "properties": {"inner": deep}}

    warned = warnings_of(page, **with_schema(properties=many))
    too_deep = warnings_of(page, **with_schema(properties={"inner": deep}))

    assert len(warned) == MOST_WARNINGS
    assert max(map(len, warned.values())) < 300
    assert "levels deep" in too_deep[AT]
