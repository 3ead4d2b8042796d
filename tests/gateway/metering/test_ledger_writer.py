"""The writer: whatever was submitted gets written, whoever still waits for the answer."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from billing.audit.report import audit
from billing.models import HoldState
from gateway.metering.operations import HoldDecision, SettleResult
from gateway.metering.pending import LedgerUnreachable
from keys import services as key_services
from keys.models import ApiKey
from tests.support.books import Books, TestCall, database_url, open_books
from tests.support.gateway_process import Process
from tests.support.network import Network
from tests.support.waiting import eventually


def end_sessions(name: str) -> None:
    """Make PostgreSQL end the sessions of that name, in the middle of whatever they do."""
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            [name],
        )


def admitted(process: Process, call: TestCall) -> TestCall:
    assert process.ask(call.hold()).decision is HoldDecision.ADMITTED
    return call


def test_a_call_is_held_for_and_charged(books: Books, process: Process) -> None:
    call = admitted(process, books.call(300))

    assert process.ask(call.settle(120)).charged == 120
    assert (books.wallet().posted, books.wallet().held) == (880, 0)


def test_two_hundred_at_once_never_overspend(books: Books, process: Process) -> None:
    calls = [books.call(50) for _ in range(200)]

    asked = [process.begin(call.hold()) for call in calls]
    verdicts = [future.result(30).decision for future in asked]

    assert verdicts.count(HoldDecision.ADMITTED) == 20
    assert verdicts.count(HoldDecision.OUT_OF_CREDITS) == 180
    assert books.wallet().held == 1_000


def test_what_queues_during_a_commit_is_written_together(books: Books, process: Process) -> None:
    with books.locked():
        first = process.begin(reserve := books.call(1).hold())
        eventually(books.is_waited_for, what="the first batch")
        rest = [process.begin(books.call(1).hold()) for _ in range(100)]
        process.hear()
    assert {future.result(30).decision for future in [first, *rest]} == {HoldDecision.ADMITTED}

    holds = books.holds(HoldState.HELD)
    later = {hold.opened_at for hold in holds if hold.id != reserve.id}
    assert len(holds) == 101
    assert len(later) == 1  # opened_at is the transaction's moment


def test_a_settlement_whose_caller_left_is_written(books: Books, process: Process) -> None:
    call = admitted(process, books.call(300))
    with books.locked():
        waiting = process.begin(call.settle(120))
        eventually(books.is_waited_for, what="the settlement")
        waiting.cancel()

    eventually(lambda: books.wallet().posted == 880, what="the settlement")
    assert admitted(process, books.call(1))  # and the writer goes on


def test_a_settlement_whose_caller_left_in_the_queue_is_written(
    books: Books, process: Process
) -> None:
    call = admitted(process, books.call(300))
    other = books.call(1)
    with books.locked():
        process.begin(other.hold())
        eventually(books.is_waited_for, what="the first batch")
        waiting = process.begin(call.settle(120))
        process.hear()
        waiting.cancel()

    eventually(lambda: books.wallet().posted == 880, what="the settlement")


def test_more_than_fits_into_a_batch_is_written(books: Books, process: Process) -> None:
    books.give(10_000)
    calls = [admitted(process, books.call(10)) for _ in range(600)]
    with books.locked():
        process.begin(books.call(0).hold())
        eventually(books.is_waited_for, what="the first batch")
        told = [process.begin(call.settle(3, route="r" * 500)) for call in calls]
        process.hear()

    assert {future.result(30).charged for future in told} == {3}
    assert (books.wallet().posted, books.wallet().held) == (11_000 - 1_800, 0)
    assert len(books.records()) == 600


def test_operations_for_one_request_are_written_in_their_order(
    books: Books, process: Process
) -> None:
    ended, released = admitted(process, books.call(100)), books.call(200)
    with books.locked():
        process.begin(books.call(0).hold())
        eventually(books.is_waited_for, what="the first batch")
        told = [
            process.begin(operation)
            for operation in (
                released.hold(),
                ended.settle(30),
                released.void_hold(),
                ended.settle(30),
            )
        ]
        process.hear()

    assert [future.result(30) for future in told[1::2]] == [
        SettleResult(30, 0, 970, 200, 970),
        SettleResult(30, 0, 970, 0, 970),
    ]
    eventually(lambda: books.wallet().held == 0, what="the release")
    assert books.wallet().posted == 970


def test_stopping_writes_what_is_queued(books: Books, process: Process) -> None:
    calls = [admitted(process, books.call(10)) for _ in range(20)]
    with books.locked():
        for call in calls:
            process.begin(call.settle(3))
        eventually(books.is_waited_for, what="the first of them")
        stopping = asyncio.run_coroutine_threadsafe(process.meter.writer.stop(), process.loop)
    stopping.result(30)

    assert (books.wallet().posted, books.wallet().held) == (940, 0)


def test_stopping_leaves_to_the_journal_what_it_cannot_wait_for(
    books: Books, journals: Path
) -> None:
    with Process(database_url=database_url(), journals=journals) as stopping:
        calls = [admitted(stopping, books.call(10)) for _ in range(3)]
        with books.locked():
            told = [stopping.begin(calls[0].settle(3))]
            eventually(books.is_waited_for, what="the first of them")
            told += [stopping.begin(call.settle(3)) for call in calls[1:]]
            stop = stopping.meter.writer.stop(timeout_s=0)
            asyncio.run_coroutine_threadsafe(stop, stopping.loop).result(30)
            assert {future.result(30).charged for future in told} == {3}

    with Process(database_url=database_url(), journals=journals):
        eventually(lambda: books.wallet().posted == 991, what="the replay")
        eventually(lambda: books.wallet().held == 0, what="the replay")
    assert audit().is_ok


def test_stopping_while_catching_up_leaves_everything_to_the_journal(
    books: Books, network: Network, journals: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Process(database_url=network.url, journals=journals) as stopping:
        calls = [admitted(stopping, books.call(10)) for _ in range(3)]
        network.go()
        assert stopping.ask(calls[0].settle(3)).charged == 3
        with books.locked():
            network.be_fine()
            eventually(books.is_waited_for, what="the replay")
            told = [stopping.begin(call.settle(3)) for call in calls[1:]]
            stop = stopping.meter.writer.stop(timeout_s=0)
            asyncio.run_coroutine_threadsafe(stop, stopping.loop).result(30)
            assert {future.result(30).charged for future in told} == {3}
    assert "stumbled" not in caplog.text
    assert "never written" not in caplog.text

    with Process(database_url=database_url(), journals=journals):
        eventually(lambda: books.wallet().posted == 991, what="the replay")
        eventually(lambda: books.wallet().held == 0, what="the replay")
    assert audit().is_ok


def test_one_bad_operation_does_not_spoil_the_others(books: Books, process: Process) -> None:
    good, bad, new = admitted(process, books.call(100)), books.call(100), books.call(100)
    admitted(process, bad)
    with books.locked():
        process.begin(books.call(1).hold())
        eventually(books.is_waited_for, what="the first batch")
        asked: list[Any] = [
            process.begin(good.settle(30)),
            process.begin(bad.settle(30, route="a text that PostgreSQL refuses: \0")),
            process.begin(new.hold()),
        ]
        process.hear()

    assert asked[0].result(30).charged == 30
    assert asked[2].result(30).decision is HoldDecision.ADMITTED
    with pytest.raises(psycopg.DataError):
        asked[1].result(30)


def test_a_call_whose_end_cannot_be_written_holds_nothing_any_more(
    books: Books, process: Process
) -> None:
    bad = admitted(process, books.call(100))

    with pytest.raises(psycopg.DataError):
        process.ask(bad.settle(30, route="\0"))

    eventually(lambda: books.wallet().held == 0, what="the release")
    assert books.wallet().posted == 1_000
    assert audit().is_ok


def test_a_wallet_that_was_tampered_with_harms_no_other(books: Books, process: Process) -> None:
    tampered = open_books(1_000)
    call = admitted(process, tampered.call(100))
    tampered.set_held(0)  # giving the hold back would make it negative: PostgreSQL refuses

    with pytest.raises(psycopg.errors.CheckViolation):
        process.ask(call.settle(30))

    assert process.ask(admitted(process, books.call(100)).settle(30)).charged == 30


def test_a_column_that_a_migration_changes_stops_nobody(books: Books, process: Process) -> None:
    """What was prepared before returns something else now, and PostgreSQL refuses to run it."""
    call = admitted(process, books.call(100))
    try:
        change_column("state", "varchar(32)")

        assert process.ask(call.settle(30)).charged == 30
        assert process.ask(admitted(process, books.call(100)).settle(30)).charged == 30
    finally:
        change_column("state", "varchar(16)")


def change_column(name: str, kind: str) -> None:
    """Give a column of the holds another type."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE billing_hold ALTER COLUMN {name} TYPE {kind}")


def test_a_session_that_ends_in_mid_batch_loses_and_doubles_nothing(
    books: Books, process: Process
) -> None:
    ending, asking = admitted(process, books.call(100)), books.call(100)
    with books.locked():
        settled = process.begin(ending.settle(30))
        eventually(books.is_waited_for, what="the batch")
        refused = process.begin(asking.hold())
        end_sessions("caicaini-writer")

        assert settled.result(30).charged == 30  # from the journal: nobody waits for the lock
        with pytest.raises(LedgerUnreachable):
            refused.result(30)

    process.await_ledger(books.call(100))
    assert (books.wallet().posted, books.wallet().held) == (970, 100)
    assert [entry.amount for entry in books.usage()] == [-30]
    assert audit().is_ok


def test_no_hold_is_left_of_a_reserve_whose_session_ended(books: Books, process: Process) -> None:
    with books.locked():
        refused = process.begin(books.call(100).hold())
        eventually(books.is_waited_for, what="the batch")
        end_sessions("caicaini-writer")
        with pytest.raises(LedgerUnreachable):
            refused.result(30)

    process.await_ledger(books.call(1_000))  # all of it is free


def test_a_key_revoked_while_its_call_waits_holds_nothing(books: Books, process: Process) -> None:
    key = books.mint()
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT 1 FROM billing_wallet WHERE id = %s FOR UPDATE", [books.wallet_id])
        waiting = process.begin(books.call(100, key_id=key.pk).hold())
        eventually(books.is_waited_for, what="the reserve")
        other.execute("UPDATE keys_apikey SET revoked_at = now() WHERE id = %s", [key.pk])
        other.commit()

    assert waiting.result(30).decision is HoldDecision.KEY_UNUSABLE
    assert books.wallet().held == 0


def test_a_revocation_waits_for_the_holds_that_are_being_made(
    books: Books, process: Process
) -> None:
    """Otherwise it could return, and the hold be committed after it."""
    key = books.mint()
    revoking = threading.Thread(target=_revoke, args=[key])
    with books.locked():
        revoking.start()
        eventually(books.is_waited_for, what="the revocation")
    revoking.join(30)

    assert not revoking.is_alive()
    verdict = process.ask(books.call(1, key_id=key.pk).hold()).decision
    assert verdict is HoldDecision.KEY_UNUSABLE


def _revoke(key: ApiKey) -> None:
    try:
        key_services.revoke(key=key)
    finally:
        connection.close()


def test_no_hold_is_made_once_a_revocation_has_returned(books: Books, process: Process) -> None:
    books.give(1_000_000)
    for _ in range(20):
        key = books.mint()
        asked = [process.begin(books.call(1, key_id=key.pk).hold()) for _ in range(50)]
        key_services.revoke(key=key)
        asked_later = [process.begin(books.call(1, key_id=key.pk).hold()) for _ in range(5)]

        assert {future.result(30).decision for future in asked_later} == {HoldDecision.KEY_UNUSABLE}
        for future in asked:
            future.result(30)
