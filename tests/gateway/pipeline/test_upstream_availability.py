"""An upstream that is down, busy or misconfigured: the answer, and how often it is asked."""

import itertools
from pathlib import Path

import pytest

from catalogue.models import UpstreamIncident
from tests.support.callers import Answer
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import answers, more_than_a_reply, says, then
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually

CLOSED = ("upstream_unavailable",)
BROKEN = answers(b"<html>", status=502, content_type="text/html")

both_ways = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
both_formats = pytest.mark.parametrize(
    "model", ["scripted/messages", "scripted/chat"], ids=["messages", "chat"]
)


@pytest.fixture
def guarded(new_customer: NewCustomer, start_gateway: StartGateway) -> Customer:
    """A customer of a gateway of its own, whose circuit breakers are on."""
    return new_customer(url=start_gateway(UPSTREAM_FAILURES_TO_OPEN="5").url)


def error_code(answer: Answer) -> str:
    code: str = answer.error["details"]["error_code"]
    return code


@both_ways
def test_an_upstream_that_is_down_is_a_529_with_a_time_to_wait(
    customer: Customer, stream: bool
) -> None:
    answer = customer.ask("Hello", model="scripted/unreachable", stream=stream)

    assert (answer.status, error_code(answer)) == (529, "upstream_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert customer.charges() == []


@both_formats
def test_an_open_breaker_refuses_at_once_and_sends_nothing(
    guarded: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    script = upstream.script(BROKEN)
    while len(script.requests) < 5:
        assert guarded.ask(script.prompt, model=model).status in {500, 529}
    sent = len(script.requests)

    for stream in (False, True):
        answer = guarded.ask(script.prompt, model=model, stream=stream)

        assert (answer.status, error_code(answer)) == (529, "upstream_unavailable")
        assert 0 < int(answer.headers["retry-after"]) <= 10
    assert len(script.requests) == sent


@both_ways
def test_a_time_to_wait_is_obeyed_by_the_next_calls_too(
    guarded: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    for status, model in ((429, "scripted/messages"), (503, "scripted/chat")):
        script = upstream.script(answers(b"{}", status=status, headers=("retry-after: 60",)))

        first = guarded.ask(script.prompt, model=model, stream=stream)
        second = guarded.ask(script.prompt, model=model, stream=stream)

        assert (first.status, first.headers["retry-after"]) == (529, "60")
        assert second.status == 529
        assert 0 < int(second.headers["retry-after"]) <= 60
        assert len(script.requests) == 1


@both_ways
@both_formats
@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_an_upstream_that_rejects_us_is_asked_once_and_the_caller_is_not_to_blame(
    customer: Customer, upstream: ScriptedUpstream, model: str, status: int, stream: bool
) -> None:
    script = upstream.script(answers(b"{}", status=status))

    answer = customer.ask(script.prompt, model=model, stream=stream)

    assert (answer.status, answer.error["type"]) == (500, "api_error")
    assert error_code(answer) == "upstream_misconfigured"
    assert answer.headers["x-should-retry"] == "false"
    assert len(script.requests) == 1
    assert customer.charges() == []


def test_it_is_not_asked_again_by_the_next_call_and_the_log_names_it(
    guarded: Customer, upstream: ScriptedUpstream, logs: Path, request: pytest.FixtureRequest
) -> None:
    script = upstream.script(answers(b"{}", status=401))

    answers_ = [guarded.ask(script.prompt) for _ in range(2)]

    assert [error_code(one) for one in answers_] == [
        "upstream_misconfigured",
        "upstream_unavailable",
    ]
    assert len(script.requests) == 1
    log = (logs / f"{request.node.name[:80]}.log").read_text()
    assert "of scripted/messages rejects this gateway" in log
    [incident] = eventually(
        lambda: UpstreamIncident.objects.filter(
            upstream__model__public_id="scripted/messages", reason="it rejects us"
        ),
        what="the incident on the operator's page",
    )
    assert incident.recovered_at is None


def test_a_status_that_a_request_can_provoke_does_not_close_the_upstream_to_others(
    guarded: Customer, upstream: ScriptedUpstream
) -> None:
    """A caller gets a 404 by naming a file that does not exist."""
    for status, stream in itertools.product([403, 404], [False, True]):
        script = upstream.script(then(answers(b"{}", status=status), says()))

        provoked = guarded.ask(script.prompt, stream=stream)
        next_one = guarded.ask(script.prompt, stream=stream)

        assert error_code(provoked) == "upstream_misconfigured"
        assert next_one.status == 200


def test_one_callers_failing_requests_close_the_model_to_that_caller_alone(
    guarded: Customer, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    other = new_customer(url=guarded.url)
    quick = upstream.script(says())
    for status in (403, 404, 408, 500):
        failing = upstream.script(answers(b"{}", status=status))
        while len(failing.requests) < 5:
            assert guarded.ask(failing.prompt).status in {500, 504}
        sent = len(failing.requests)

        assert guarded.ask(failing.prompt).status == 529
        assert len(failing.requests) == sent
        assert other.ask(quick.prompt).status == 200
        assert guarded.ask(quick.prompt).status == 200  # the success of the other's call closes it


@both_ways
@pytest.mark.parametrize("status", [429, 500, 503])
def test_two_workspaces_whose_requests_fail_close_the_model_to_no_third(
    guarded: Customer,
    new_customer: NewCustomer,
    upstream: ScriptedUpstream,
    status: int,
    stream: bool,
) -> None:
    """They may belong to one person, and a request can be larger than a minute's limit allows."""
    second, third = (new_customer(url=guarded.url) for _ in range(2))
    refusal = answers(b"{}", status=status, headers=("retry-after: 60",))
    failing, quick = upstream.script(refusal), upstream.script(says())
    for one in (guarded, second):
        while one.ask(failing.prompt, stream=stream).error["details"]["error_code"] not in CLOSED:
            pass
    sent = len(failing.requests)

    assert {one.ask(failing.prompt, stream=stream).status for one in (guarded, second)} == {529}
    assert len(failing.requests) == sent
    assert third.ask(quick.prompt, stream=stream).status == 200


def test_while_a_model_fails_for_others_a_workspace_is_refused_after_its_first_failure(
    guarded: Customer, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    second, third = (new_customer(url=guarded.url) for _ in range(2))
    script = upstream.script(BROKEN)
    while len(script.requests) < 5:
        guarded.ask(script.prompt)

    for one in (second, third):
        sent = len(script.requests)
        assert one.ask(script.prompt).status == 500
        assert len(script.requests) == sent + 1
        assert error_code(one.ask(script.prompt)) == "upstream_unavailable"
        assert len(script.requests) == sent + 1


@both_ways
def test_a_workspace_whose_calls_fail_leaves_the_retries_of_others(
    new_customer: NewCustomer,
    customer: Customer,
    upstream: ScriptedUpstream,
    stream: bool,
) -> None:
    """Breakers are off here, so that nothing but the budget ends the retries."""
    other = new_customer()
    failing = upstream.script(BROKEN)
    for _ in range(20):
        customer.ask(failing.prompt, stream=stream)
    before = len(failing.requests)
    customer.ask(failing.prompt, stream=stream)
    assert len(failing.requests) == before + 1  # none left
    hiccup = upstream.script(then(BROKEN, says()))

    assert other.ask(hiccup.prompt, stream=stream).status == 200
    assert len(hiccup.requests) == 2


@both_ways
def test_another_upstream_answers_for_one_that_rejects_us(
    guarded: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    script = upstream.script(then(answers(b"{}", status=401), says()))

    first = guarded.ask(script.prompt, model="scripted/two", stream=stream)
    second = guarded.ask(script.prompt, model="scripted/two", stream=stream)

    assert (first.status, second.status) == (200, 200)
    paths = [request.path for request in script.requests]
    assert paths == ["/first/v1/messages", "/v1/chat/completions", "/v1/chat/completions"]


def test_a_reply_that_is_too_large_is_fetched_once(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(more_than_a_reply())

    answer = customer.ask(script.prompt)

    assert (answer.status, error_code(answer)) == (500, "upstream_reply_too_large")
    assert len(script.requests) == 1
