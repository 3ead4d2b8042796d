"""After a run: what the books say of it."""

from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.page_caller import PageCaller, at_a_page
from tests.support.replies import events, reset, says, streams, wait
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually


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
    script = upstream.script(streams(*events("Hello there")[:4], reset))
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
