"""After a run: what the books say of it."""

import uuid

from accounts.models import Role
from tests.support import people
from tests.support.callers import request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.page_caller import PageCaller, at_a_page
from tests.support.replies import after_release, events, reset, says, streams, until_read, wait
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually

RUNS = "/developers/console/runs/"


def page_of(customer: Customer) -> PageCaller:
    return at_a_page(customer.owner, url=customer.url)


def test_a_run_is_described_as_soon_as_its_last_event_has_come(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    page = page_of(customer)
    answer = page.ask(upstream.script(says("Hello there")).prompt, stream=True)

    run = page.get(f"/developers/console/runs/{answer.headers['request-id']}").json()

    usage = answer.transcript.usage
    assert run["credits"] == usage["credits_consumed"] == customer.charges()[0]
    assert run["balance_after"] == customer.wallet().posted
    assert run["held"] == int(answer.headers["caicaini-credits-held"])
    assert (run["status"], run["ending"], run["stop_reason"]) == (200, "completed", "end_turn")
    assert (run["input_tokens"], run["output_tokens"]) == (14, 23)
    summed = sum(line["units"] * line["price"] for line in run["lines"])
    assert run["credits"] == -(-summed // 1_000_000)
    [attempt] = run["attempts"]
    assert attempt.keys() == {"model", "started_ms", "duration_ms", "status", "error"}
    assert run["request_id"] == answer.headers["request-id"]


def test_a_stopped_run_is_described_once_it_is_settled(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    page = page_of(customer)
    script = upstream.script(streams(*events("Hello there, you")[:4], wait))
    call = page.begin(script.prompt, stream=True)
    call.read_until("content_block_delta")
    address = f"/developers/console/runs/{call.response.headers['request-id']}"
    assert page.get(address).status == 404

    call.hang_up()

    eventually(lambda: page.get(address).status == 200, what="the record")
    run = page.get(address).json()
    assert (run["ending"], run["credits"]) == ("caller_left", customer.charges()[0])


def test_a_run_that_broke_off_names_its_error_and_costs_nothing(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    page = page_of(customer)
    script = upstream.script(streams(*events("Hello there")[:4], until_read, reset))
    answer = page.ask(script.prompt, stream=True)

    run = page.get(f"/developers/console/runs/{answer.headers['request-id']}").json()

    assert answer.transcript.error is not None
    assert (run["ending"], run["error_code"]) == ("broke_off", "upstream_failed")
    assert run["credits"] == 0 < run["lost_credits"]


def test_a_run_of_another_workspace_does_not_exist(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    one, other = new_customer(), new_customer()
    answer = page_of(one).ask(upstream.script(says("Hello")).prompt)

    page = page_of(other)

    assert page.get(f"/developers/console/runs/{answer.headers['request-id']}").status == 404
    assert page.get("/developers/console/runs/req_none").status == 404


def test_a_run_that_is_stopped_before_its_answer_is_found_by_its_name(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    page = page_of(customer)
    script = upstream.script(after_release(says("Hello")))
    name = f"run_{uuid.uuid4().hex}"
    call = page.send(request_body(script.prompt), headers={"caicaini-run-name": name})
    script.wait_for_request()

    call.hang_up()

    record = customer.wait_for_record()
    run = page.get(f"{RUNS}{name}").json()
    assert run["request_id"] == f"req_{record.id.hex}"
    assert (run["ending"], run["credits"]) == ("caller_left", 0)


def test_a_name_finds_the_runs_of_its_own_member_alone(
    customer: Customer, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    page, name = page_of(customer), f"run_{uuid.uuid4().hex}"
    prompt = upstream.script(says("Hello")).prompt
    page.send(request_body(prompt), headers={"caicaini-run-name": name}).answer()
    colleague = people.new_member(customer.workspace, Role.DEVELOPER)

    assert page.get(f"{RUNS}{name}").status == 200
    for other in (at_a_page(colleague, url=customer.url), page_of(new_customer())):
        assert other.get(f"{RUNS}{name}").status == 204


def test_a_text_that_is_no_name_changes_nothing(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    page, prompt = page_of(customer), upstream.script(says("Hello")).prompt

    for name in ("run_", "run_x" * 40, "\xff", "req_" + uuid.uuid4().hex):
        answer = page.send(request_body(prompt), headers={"caicaini-run-name": name}).answer()

        assert answer.status == 200
        assert page.get(f"{RUNS}{answer.headers['request-id']}").status == 200
