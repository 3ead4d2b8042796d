"""A gateway crashes, pauses or loses its database while calls run."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from billing.models import Hold
from tests.support import servers
from tests.support.customers import Customer, begin_mixed
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import after_release, events, says, silence, streams, wait
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.tcp_proxy import Cable
from tests.support.waiting import eventually


def stays(look: Callable[[], bool], *, for_s: float) -> bool:
    """Tell whether `look` says yes all the while."""
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        if not look():
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="module")
def cable_to_books(gateway_env: dict[str, str]) -> Iterator[Cable]:
    with Cable(gateway_env["DATABASE_URL"]).laid() as cable:
        yield cable


@pytest.fixture(scope="module")
def cabled_gateway(
    gateway_env: dict[str, str], cable_to_books: Cable, logs: Path
) -> Iterator[WebServer]:
    env = {**gateway_env, "DATABASE_URL": cable_to_books.url}
    with servers.running(env=env, log=logs / "cabled.log") as server:
        yield server


@pytest.fixture
def cable(cable_to_books: Cable) -> Iterator[Cable]:
    """The cable from one gateway alone to the database."""
    yield cable_to_books
    cable_to_books.plug_in()


@pytest.fixture
def cabled(
    new_customer: NewCustomer, cabled_gateway: WebServer, upstream: ScriptedUpstream
) -> NewCustomer:
    """Make a customer whose calls go to the gateway at the end of the cable."""
    somebody = new_customer(url=cabled_gateway.url)
    script = upstream.script(says())
    eventually(lambda: somebody.ask(script.prompt).status == 200, what="the books' return")

    def new(**options: Any) -> Customer:
        return new_customer(url=cabled_gateway.url, **options)

    return new


def test_what_a_killed_process_held_is_freed_by_another(
    new_customer: NewCustomer,
    gateway: WebServer,
    start_gateway: StartGateway,
    upstream: ScriptedUpstream,
) -> None:
    doomed = start_gateway()
    customer = new_customer(url=doomed.url)
    script = upstream.script(streams(*events()[:3], silence))
    calls = begin_mixed(customer, script, each=10)
    elsewhere = upstream.script(after_release(says()))
    survivor = customer.at(gateway.url).begin(elsewhere.prompt)
    elsewhere.wait_for_request()
    assert customer.open_holds() == 21

    doomed.send_signal(signal.SIGKILL)

    script.wait_for_hang_up(20)
    eventually(
        lambda: customer.open_holds() == 1,
        what="the freeing of the dead one's holds",
    )
    assert customer.charges() == []
    elsewhere.release()
    assert survivor.answer().json()["usage"]["credits_consumed"] == 60
    assert customer.charges() == [60]
    assert customer.wallet().held == 0
    for call in calls:
        call.hang_up()


def test_what_a_process_holds_is_never_freed_while_it_only_stands_still(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    standing = start_gateway()
    customer = new_customer(url=standing.url)
    script = upstream.script(after_release(says()))
    plain, stream = (customer.begin(script.prompt, stream=kind) for kind in (False, True))
    script.wait_for_request(2)

    standing.send_signal(signal.SIGSTOP)
    script.release(2)
    try:
        assert stays(lambda: customer.open_holds() == 2, for_s=6)
    finally:
        standing.send_signal(signal.SIGCONT)

    assert plain.answer().json()["usage"]["credits_consumed"] == 60
    assert stream.answer().transcript.usage["credits_consumed"] == 60
    assert customer.charges() == [60, 60]


def test_what_a_process_holds_is_never_freed_while_it_only_lost_its_lock(
    cabled: NewCustomer, gateway: WebServer, cable: Cable, upstream: ScriptedUpstream
) -> None:
    """A restart of the database frees all locks while their owners live; they take them again."""
    customer = cabled()
    script = upstream.script(after_release(says()))
    call = customer.begin(script.prompt)
    script.wait_for_request()

    for _ in range(5):
        cable.pull_out()
        cable.plug_in()
        assert stays(lambda: customer.open_holds() == 1, for_s=1)

    script.release()
    assert call.answer().status == 200
    customer.wait_until_settled()  # where the books are not back yet, it is from the journal
    assert customer.charges() == [60]


def test_a_broken_connection_to_the_books_loses_no_settlement(
    cabled: NewCustomer, cable: Cable, upstream: ScriptedUpstream
) -> None:
    customer = cabled()
    script = upstream.script(after_release(says()))
    calls = [customer.begin(script.prompt, stream=stream) for stream in (False, True)]
    script.wait_for_request(2)

    cable.pull_out()
    cable.plug_in()
    script.release(2)

    plain, stream = (call.answer() for call in calls)
    assert plain.json()["usage"]["credits_consumed"] == 60
    assert stream.transcript.usage["credits_consumed"] == 60
    customer.wait_until_settled()
    assert customer.charges() == [60, 60]


def test_a_hold_whose_making_went_unheard_is_given_back(
    cabled: NewCustomer, cable: Cable, upstream: ScriptedUpstream
) -> None:
    customer = cabled()
    script = upstream.script(says())
    cable.break_after(b"caicaini_writer")

    answer = customer.ask(script.prompt)

    assert answer.status == 503
    assert script.requests == []
    holds = Hold.objects.filter(wallet=customer.wallet())
    eventually(lambda: [hold.state for hold in holds.all()] == ["void"], what="the giving back")
    assert customer.wallet().held == 0
    assert customer.charges() == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_settlement_whose_writing_went_unheard_is_not_written_twice(
    cabled: NewCustomer, cable: Cable, upstream: ScriptedUpstream, stream: bool
) -> None:
    customer = cabled()
    script = upstream.script(after_release(says()))
    call = customer.begin(script.prompt, stream=stream)
    script.wait_for_request()
    cable.break_after(b"caicaini_writer")

    script.release()

    answer = call.answer()
    counted = answer.transcript.usage if stream else answer.json()["usage"]
    assert counted["credits_consumed"] == 60
    again = upstream.script(says())  # which is let in once the journal is worked off
    eventually(lambda: customer.ask(again.prompt).status == 200, what="the books' return")
    assert customer.charges() == [60, 60]
    assert len(customer.records()) == 2


def test_books_that_break_again_and_again_charge_each_answer_once(
    cabled: NewCustomer, cable: Cable, upstream: ScriptedUpstream
) -> None:
    """Whether the last commit arrived is unknown each time: nothing is lost or done twice."""
    customer = cabled()
    script = upstream.script(says())
    stop = threading.Event()
    statuses: list[int] = []

    def hammer() -> None:
        while not stop.is_set():
            statuses.append(customer.ask(script.prompt).status)

    with ThreadPoolExecutor(8) as pool:
        hammers = [pool.submit(hammer) for _ in range(8)]
        try:
            for times in range(40):
                cable.pull_out()
                time.sleep(0.01)
                answered = statuses.count(200)
                cable.plug_in()
                eventually(lambda: statuses.count(200) > answered, within_s=30, what="an answer")  # noqa: B023
                time.sleep(0.01 * (times % 10))  # so that it breaks at another moment each time
        finally:
            stop.set()
        for done in hammers:
            done.result(60)

    assert set(statuses) == {200, 503}
    customer.wait_until_settled()
    assert customer.charges() == [60] * statuses.count(200)
    assert len(script.requests) == statuses.count(200)


def test_while_the_books_are_away_no_call_is_taken_and_none_is_lost(
    cabled: NewCustomer, cable: Cable, upstream: ScriptedUpstream
) -> None:
    customer = cabled()
    script = upstream.script(streams(*events()[:3], wait, *events()[3:]))
    running = customer.begin(script.prompt, stream=True)
    running.read_until("content_block_delta")

    cable.pull_out()

    new = upstream.script(says())
    refused = customer.ask(new.prompt)
    assert refused.status == 503
    assert refused.error["type"] == "api_error"
    assert int(refused.headers["retry-after"]) >= 1
    assert new.requests == []
    assert customer.caller.get("/v1/credits").status == 503
    script.release()
    final = running.read_until("message_delta")
    assert final.data["usage"]["credits_consumed"] == 60  # told from the journal
    assert stays(lambda: not customer.charges(), for_s=0.5)

    cable.plug_in()

    eventually(customer.charges, what="the charge in the books")
    assert customer.charges() == [60]
    eventually(lambda: customer.ask(new.prompt).status == 200, what="the next call's answer")
    running.hang_up()


def test_the_first_to_come_after_the_books_broke_unnoticed_is_answered(
    cabled: NewCustomer, cable: Cable
) -> None:
    """Keys are looked up for the first time, through connections that were idle and are no more."""

    def are_answered() -> bool:
        strangers = strangers_after_a_break(cabled, cable, "/v1/models")
        return asked_at_once(strangers, "/v1/models") == [200] * 4

    # The gateway waits for a fifth of a second, for which a machine that falters may stand still.
    assert any(are_answered() for _ in range(3))


def test_the_first_to_come_to_the_portal_then_is_answered_as_well(
    cabled: NewCustomer, cable: Cable
) -> None:
    """Behind a page that reads a session many more connections may have been idle."""
    cookie = {"cookie": "sessionid=somebody"}

    def are_answered() -> bool:
        strangers = strangers_after_a_break(cabled, cable, "/docs/quickstart", cookie)
        return asked_at_once(strangers, "/docs/quickstart", cookie) == [200] * 4

    # A page waits for half a second, for which a machine that falters may stand still.
    assert any(are_answered() for _ in range(3))


def strangers_after_a_break(
    cabled: NewCustomer, cable: Cable, path: str, headers: Mapping[str, str] | None = None
) -> list[Customer]:
    """Have many connections opened, break them all, and return some who have not asked yet."""
    strangers = [cabled() for _ in range(4)]
    asked_at_once([cabled() for _ in range(8)] * 4, path, headers)
    cable.pull_out()
    cable.plug_in()
    return strangers


def asked_at_once(
    customers: list[Customer], path: str, headers: Mapping[str, str] | None = None
) -> list[int]:
    """Let each show its key for the first time; return the answers' statuses."""
    with ThreadPoolExecutor(len(customers)) as pool:
        return list(pool.map(lambda one: one.caller.get(path, headers).status, customers))


@pytest.mark.parametrize("is_spent_meanwhile", [False, True])
def test_a_process_that_was_taken_for_dead_settles_once_and_only_what_is_left(
    new_customer: NewCustomer,
    start_gateway: StartGateway,
    gateway: WebServer,
    cable: Cable,
    upstream: ScriptedUpstream,
    tmp_path: Path,
    is_spent_meanwhile: bool,
) -> None:
    """Cut off from the books for long, it looks dead: its hold is freed though its call runs on.

    It stands for another machine: of a process here the system knows better.
    """
    distant = start_gateway(DATABASE_URL=cable.url, DATA_DIR=str(tmp_path))
    customer = new_customer(url=distant.url, credits=5000)
    script = upstream.script(after_release(says()))
    call = customer.begin(script.prompt)
    script.wait_for_request()
    cable.pull_out()
    eventually(lambda: customer.open_holds() == 0, what="the freeing of its hold")
    if is_spent_meanwhile:
        customer.give(-5000)

    cable.plug_in()
    others = new_customer(url=distant.url), upstream.script(says())
    eventually(lambda: others[0].ask(others[1].prompt).status == 200, what="the way to the books")
    script.release()

    charge = 0 if is_spent_meanwhile else 60
    assert call.answer().json()["usage"]["credits_consumed"] == charge
    assert sum(customer.charges()) == charge
    record = customer.wait_for_record()
    assert (record.credits, record.lost_credits) == (charge, 60 - charge)
