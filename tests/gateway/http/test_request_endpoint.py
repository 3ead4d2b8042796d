"""A caller looks up the receipt of a call."""

from typing import Any

import pytest

from tests.support.api_description import Description
from tests.support.callers import Answer, Caller
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import answers, events, message, reset, says, streams, until_read, usage
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually
from usage import roll_up


def receipt_of(caller: Caller, answer: Answer) -> dict[str, Any]:
    found = caller.get(f"/v1/requests/{answer.headers['request-id']}")
    assert found.status == 200, found.body
    receipt: dict[str, Any] = found.json()
    return receipt


@pytest.mark.parametrize("stream", [False, True])
def test_its_lines_add_up_to_what_the_answer_said(
    customer: Customer, upstream: ScriptedUpstream, description: Description, stream: bool
) -> None:
    answer = customer.caller.ask(upstream.script(says("Hello there")).prompt, stream=stream)

    found = customer.caller.get(f"/v1/requests/{answer.headers['request-id']}")

    description.assert_answer_fits(found, "getRequest")
    receipt = found.json()
    [charge] = customer.charges()
    assert receipt["id"] == answer.headers["request-id"]
    assert receipt["credits_consumed"] == charge
    summed = sum(line["tokens"] * line["credits_per_million_tokens"] for line in receipt["lines"])
    assert receipt["microcredits"] == summed
    assert -(-summed // 1_000_000) == charge
    assert receipt["hold"]["amount"] - receipt["hold"]["released"] == charge
    assert receipt["hold"]["balance_after"] == customer.wallet().posted
    assert receipt["hold"]["balance_before"] == customer.wallet().posted + charge
    assert receipt["ledger_entry"]["number"] == customer.wallet().seq
    assert receipt["stream"] is stream
    assert all(line["price_from"] for line in receipt["lines"])
    assert "Hello" not in found.body.decode()


def test_the_cache_has_lines_of_its_own(customer: Customer, upstream: ScriptedUpstream) -> None:
    counts = usage(5, 7, cache_write=100, cache_read=300)
    answer = customer.ask(upstream.script(answers(message(usage=counts))).prompt)

    receipt = receipt_of(customer.caller, answer)

    tokens = {line["class"]: line["tokens"] for line in receipt["lines"]}
    assert tokens == {"input": 5, "output": 7, "cache_write": 100, "cache_read": 300}


def test_it_compares_with_models_that_could_have_served_it(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    tool = {"name": "look", "input_schema": {"type": "object"}}
    answer = customer.ask(
        upstream.script(says("Hello")).prompt, model="scripted/able", tools=[tool]
    )

    receipt = receipt_of(customer.caller, answer)

    listed = customer.caller.get("/v1/models?limit=100").json()["data"]
    able = {one["id"] for one in listed if one["capabilities"]["tools"]["supported"]}
    compared = {one["model"] for one in receipt["alternatives"]}
    assert compared
    assert compared <= able - {"scripted/able"}
    assert 'needs="tools"' in receipt["route"]
    for one in receipt["alternatives"]:
        assert one["difference"] == one["credits"] - receipt["credits_consumed"]


def test_a_call_that_broke_off_names_its_error(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(streams(*events("Hello there")[:4], until_read, reset))
    answer = customer.stream(script.prompt)

    receipt = receipt_of(customer.caller, answer)

    assert receipt["error"] == {
        "type": "api_error",
        "error_code": "upstream_failed",
        "message": None,
    }
    assert receipt["credits_consumed"] == 0
    assert receipt["ledger_entry"] is None
    assert receipt["attempts"][-1]["error"] == "upstream_failed"


@pytest.mark.parametrize(
    "id", ["req_", "none", "req_" + "z" * 32, "req_" + "f" * 32, "req_" + "0" * 32, "a%2Fb", "%00"]
)
def test_what_is_no_id_is_a_404(customer: Customer, description: Description, id: str) -> None:
    found = customer.caller.get(f"/v1/requests/{id}")

    assert found.status == 404
    assert found.error["details"]["error_code"] == "request_not_found"
    description.assert_answer_fits(found, "getRequest")


def test_another_workspaces_call_does_not_exist(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    one, other = new_customer(), new_customer()
    answer = one.ask(upstream.script(says("Hello")).prompt)
    address = f"/v1/requests/{answer.headers['request-id']}"

    assert one.caller.get(address).status == 200
    assert other.caller.get(address).status == 404
    assert Caller(one.url, None).get(address).status == 401


def test_it_has_the_sums_of_all_calls_of_its_session(
    customer: Customer, upstream: ScriptedUpstream, description: Description
) -> None:
    session = {"x-claude-code-session-id": "nightly-report"}
    prompt = upstream.script(says("Hello there")).prompt
    answers = [customer.caller.ask(prompt, headers=session) for _ in range(2)]
    roll_up.roll_up()
    answers.append(customer.caller.ask(prompt, headers=session))
    refused = customer.caller.ask(prompt, headers=session, model="no/such-model")
    customer.caller.ask(prompt)

    def seen() -> bool:
        return bool(receipt_of(customer.caller, answers[0])["session"]["refusals"])

    eventually(seen, what="the record of the refused call")
    found = customer.caller.get(f"/v1/requests/{answers[0].headers['request-id']}")

    description.assert_answer_fits(found, "getRequest")
    receipts = [receipt_of(customer.caller, one) for one in (*answers, refused)]
    assert {one["session_id"] for one in receipts} == {"nightly-report"}
    sums = found.json()["session"]
    assert all(one["session"] == sums for one in receipts)
    assert (sums["requests"], sums["refusals"], sums["errors"]) == (4, 1, 1)
    assert sums["credits_consumed"] == sum(one["credits_consumed"] for one in receipts)
    for name in ("input_tokens", "output_tokens"):
        assert sums[name] == sum(one["usage"][name] for one in receipts)


def test_a_call_without_a_session_has_no_sums_of_one(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    receipt = receipt_of(customer.caller, customer.ask(upstream.script(says("Hello")).prompt))

    assert (receipt["session_id"], receipt["session"]) == (None, None)
