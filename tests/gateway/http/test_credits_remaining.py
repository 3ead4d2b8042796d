"""Every answer says what is left: exactly the balance after its own ledger entry."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import EntryKind
from tests.support import servers
from tests.support.api_description import Description
from tests.support.callers import Answer
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import (
    after_release,
    answers,
    does,
    events,
    message,
    reset,
    says,
    streams,
    usage,
)
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.tcp_proxy import Cable
from tests.support.waiting import eventually

HEADER = "caicaini-credits-remaining"


def remaining(answer: Answer) -> int:
    """Return what a plain answer or a stream says is left."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        assert answer.headers[HEADER] is None, "a stream's headers are sent before its charge"
        left = answer.transcript.usage["credits_remaining"]
    else:
        assert "credits_remaining" not in answer.json().get("usage", {})
        left = answer.headers[HEADER]
    return int(left)


def balances_of(customer: Customer) -> dict[str, int]:
    """Return the balance after each call's ledger entry, by request id, from the amounts alone."""
    balance, balances = 0, {}
    for entry in customer.wallet().entries.order_by("seq"):
        balance += entry.amount
        if entry.kind == EntryKind.USAGE:
            balances[f"req_{entry.reference.replace('-', '')}"] = balance
    return balances


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_says_what_is_left(
    customer: Customer, upstream: ScriptedUpstream, description: Description, stream: bool
) -> None:
    answer = customer.caller.ask(upstream.script(says()).prompt, stream=stream)

    assert remaining(answer) == customer.wallet().posted == 1_000_000 - customer.charges()[0]
    description.assert_answer_fits(answer, "createMessage")


def test_a_free_answer_says_it_too(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(answers(message(usage=usage(0, 0))))

    assert remaining(customer.ask(script.prompt)) == customer.wallet().posted


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kinds=st.lists(
        st.tuples(st.sampled_from(["plain", "stream", "broken"]), st.integers(1, 400)),
        min_size=8,
        max_size=24,
    )
)
def test_of_calls_at_the_same_time_each_has_its_own_balance(
    new_customer: NewCustomer,
    upstream: ScriptedUpstream,
    twin: WebServer,
    kinds: list[tuple[str, int]],
) -> None:
    """At two processes. The model is a sum: the amounts of the ledger, added up in their order."""
    customer = new_customer()
    at_once = threading.Barrier(len(kinds))
    callers = (customer.caller, customer.at(twin.url))

    def ask(number: int) -> Answer:
        kind, tokens = kinds[number]
        if kind == "plain":
            script = upstream.script(answers(message(usage=usage(14, tokens))))
        elif kind == "stream":
            script = upstream.script(streams(*events(end_usage=usage(14, tokens))))
        else:
            script = upstream.script(does(reset))
        at_once.wait()
        return callers[number % 2].ask(script.prompt, stream=kind == "stream")

    with ThreadPoolExecutor(len(kinds)) as threads:
        got = list(threads.map(ask, range(len(kinds))))

    balances = balances_of(customer)
    said = {one.headers["request-id"]: remaining(one) for one in got if one.status == 200}
    assert said == balances
    possible = {1_000_000, *balances.values()}
    assert {int(one.headers[HEADER]) for one in got if one.status != 200} <= possible


def test_a_refusal_for_want_of_credits_says_it(
    new_customer: NewCustomer, upstream: ScriptedUpstream, description: Description
) -> None:
    poor = new_customer(credits=7)

    refused = poor.ask(upstream.script(says()).prompt)

    assert refused.status == 402
    assert refused.headers[HEADER] == "7"
    description.assert_answer_fits(refused, "createMessage")


def test_a_call_that_fails_after_its_hold_says_it(
    customer: Customer, upstream: ScriptedUpstream, description: Description
) -> None:
    failed = customer.ask(upstream.script(does(reset)).prompt)

    assert failed.status >= 500
    assert failed.headers[HEADER] == "1000000"
    description.assert_answer_fits(failed, "createMessage")


@pytest.mark.parametrize("fields", [{"model": "nothing"}, {"messages": []}])
def test_a_refusal_that_reads_no_wallet_says_nothing(
    customer: Customer, upstream: ScriptedUpstream, fields: dict[str, object]
) -> None:
    refused = customer.ask(upstream.script(says()).prompt, **fields)

    assert refused.status in (400, 404)
    assert refused.headers[HEADER] is None


def test_a_revoked_key_learns_no_balance(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says())
    customer.ask(script.prompt)
    customer.revoke()

    refused = customer.ask(script.prompt)

    assert refused.status == 401
    assert refused.headers[HEADER] is None


@pytest.mark.parametrize("stream", [False, True])
def test_while_the_ledger_is_unavailable_an_answer_does_not_say_it(
    new_customer: NewCustomer,
    gateway_env: dict[str, str],
    logs: Path,
    tmp_path: Path,
    upstream: ScriptedUpstream,
    description: Description,
    stream: bool,
) -> None:
    """The charge is certain and journaled; what it leaves is known once it is in the ledger."""
    play = streams(*events()) if stream else says()
    script = upstream.script(after_release(play))
    with Cable(gateway_env["DATABASE_URL"]).laid() as cable:
        env = {**gateway_env, "DATABASE_URL": cable.url, "DATA_DIR": str(tmp_path)}
        with servers.running(env=env, log=logs / "journaling.log") as server:
            customer = new_customer(url=server.url)
            call = customer.begin(script.prompt, stream=stream)
            script.wait_for_request()
            cable.pull_out()
            script.release()
            answer = call.answer()
            cable.plug_in()

            assert answer.status == 200
            assert answer.headers[HEADER] is None
            counts = answer.transcript.usage if stream else answer.json()["usage"]
            assert "credits_remaining" not in counts
            description.assert_answer_fits(answer, "createMessage")
            charged = counts["credits_consumed"]
            assert charged > 0
            eventually(lambda: customer.charges() == [charged], what="the journal's replay")


def test_pages_of_other_sites_may_read_it(customer: Customer, upstream: ScriptedUpstream) -> None:
    answer = customer.ask(upstream.script(says()).prompt)

    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {HEADER, "etag"} <= set(exposed)
