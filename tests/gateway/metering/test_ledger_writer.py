"""The writer: every submitted operation is written, whether or not its caller still waits."""

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
from tests.support.books import Books, database_url, open_books
from tests.support.gateway_process import Process, end_sessions
from tests.support.network import Network
from tests.support.waiting import eventually


def test_a_call_is_held_and_charged(books: Books, process: Process) -> None:
    call = process.admit(books.call(300))

    assert process.apply(call.settle(120)).charged == 120
    assert (books.wallet().posted, books.wallet().held) == (880, 0)


def test_two_hundred_at_once_never_overspend(books: Books, process: Process) -> None:
    calls = [books.call(50) for _ in range(200)]

    futures = [process.submit(call.hold()) for call in calls]
    decisions = [future.result(30).decision for future in futures]

    assert decisions.count(HoldDecision.ADMITTED) == 20
    assert decisions.count(HoldDecision.OUT_OF_CREDITS) == 180
    assert books.wallet().held == 1_000


def test_what_queues_during_a_commit_is_written_together(books: Books, process: Process) -> None:
    with books.locked():
        first = process.submit(hold := books.call(1).hold())
        eventually(books.is_waited_for, what="the first batch")
        rest = [process.submit(books.call(1).hold()) for _ in range(100)]
        process.await_submissions()
    assert {future.result(30).decision for future in [first, *rest]} == {HoldDecision.ADMITTED}

    holds = books.holds(HoldState.HELD)
    later = {one.opened_at for one in holds if one.id != hold.id}
    assert len(holds) == 101
    assert len(later) == 1  # opened_at is the transaction's moment


def test_a_settlement_whose_caller_left_is_written(books: Books, process: Process) -> None:
    call = process.admit(books.call(300))
    with books.locked():
        waiting = process.submit(call.settle(120))
        eventually(books.is_waited_for, what="the settlement")
        waiting.cancel()

    eventually(lambda: books.wallet().posted == 880, what="the settlement")
    process.admit(books.call(1))  # the writer goes on


def test_a_settlement_whose_caller_left_in_the_queue_is_written(
    books: Books, process: Process
) -> None:
    call = process.admit(books.call(300))
    other = books.call(1)
    with books.locked():
        process.submit(other.hold())
        eventually(books.is_waited_for, what="the first batch")
        waiting = process.submit(call.settle(120))
        process.await_submissions()
        waiting.cancel()

    eventually(lambda: books.wallet().posted == 880, what="the settlement")


def test_more_than_fits_into_a_batch_is_written(books: Books, process: Process) -> None:
    books.give(10_000)
    calls = [process.admit(books.call(10)) for _ in range(600)]
    with books.locked():
        process.submit(books.call(0).hold())
        eventually(books.is_waited_for, what="the first batch")
        futures = [process.submit(call.settle(3, route="r" * 500)) for call in calls]
        process.await_submissions()

    assert {future.result(30).charged for future in futures} == {3}
    assert (books.wallet().posted, books.wallet().held) == (11_000 - 1_800, 0)
    assert len(books.records()) == 600


def test_operations_for_one_request_are_written_in_their_order(
    books: Books, process: Process
) -> None:
    settled, voided = process.admit(books.call(100)), books.call(200)
    with books.locked():
        process.submit(books.call(0).hold())
        eventually(books.is_waited_for, what="the first batch")
        futures = [
            process.submit(operation)
            for operation in (
                voided.hold(),
                settled.settle(30),
                voided.void_hold(),
                settled.settle(30),
            )
        ]
        process.await_submissions()

    assert [future.result(30) for future in futures[1::2]] == [
        SettleResult(30, 0, 970, 200, 970),
        SettleResult(30, 0, 970, 0, 970),
    ]
    eventually(lambda: books.wallet().held == 0, what="the void")
    assert books.wallet().posted == 970


def test_stopping_writes_what_is_queued(books: Books, process: Process) -> None:
    calls = [process.admit(books.call(10)) for _ in range(20)]
    with books.locked():
        for call in calls:
            process.submit(call.settle(3))
        eventually(books.is_waited_for, what="the first of them")
        stopping = asyncio.run_coroutine_threadsafe(process.ledger.writer.stop(), process.loop)
    stopping.result(30)

    assert (books.wallet().posted, books.wallet().held) == (940, 0)


def test_stopping_writes_to_the_journal_what_it_cannot_wait_for(
    books: Books, journals: Path
) -> None:
    with Process(database_url=database_url(), journals=journals) as stopping:
        calls = [stopping.admit(books.call(10)) for _ in range(3)]
        with books.locked():
            futures = [stopping.submit(calls[0].settle(3))]
            eventually(books.is_waited_for, what="the first of them")
            futures += [stopping.submit(call.settle(3)) for call in calls[1:]]
            stop = stopping.ledger.writer.stop(timeout_s=0)
            asyncio.run_coroutine_threadsafe(stop, stopping.loop).result(30)
            assert {future.result(30).charged for future in futures} == {3}

    with Process(database_url=database_url(), journals=journals):
        eventually(lambda: books.wallet().posted == 991, what="the replay")
        eventually(lambda: books.wallet().held == 0, what="the replay")
    assert audit().is_ok


def test_stopping_while_catching_up_leaves_everything_to_the_journal(
    books: Books, network: Network, journals: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Process(database_url=network.url, journals=journals) as stopping:
        calls = [stopping.admit(books.call(10)) for _ in range(3)]
        network.disconnect()
        assert stopping.apply(calls[0].settle(3)).charged == 3
        with books.locked():
            network.recover()
            eventually(books.is_waited_for, what="the replay")
            futures = [stopping.submit(call.settle(3)) for call in calls[1:]]
            stop = stopping.ledger.writer.stop(timeout_s=0)
            asyncio.run_coroutine_threadsafe(stop, stopping.loop).result(30)
            assert {future.result(30).charged for future in futures} == {3}
    assert "failed unexpectedly" not in caplog.text
    assert "never written" not in caplog.text

    with Process(database_url=database_url(), journals=journals):
        eventually(lambda: books.wallet().posted == 991, what="the replay")
        eventually(lambda: books.wallet().held == 0, what="the replay")
    assert audit().is_ok


def test_one_bad_operation_does_not_fail_the_others(books: Books, process: Process) -> None:
    good, bad, new = process.admit(books.call(100)), books.call(100), books.call(100)
    process.admit(bad)
    with books.locked():
        process.submit(books.call(1).hold())
        eventually(books.is_waited_for, what="the first batch")
        futures: list[Any] = [
            process.submit(good.settle(30)),
            process.submit(bad.settle(30, route="a text that PostgreSQL refuses: \0")),
            process.submit(new.hold()),
        ]
        process.await_submissions()

    assert futures[0].result(30).charged == 30
    assert futures[2].result(30).decision is HoldDecision.ADMITTED
    with pytest.raises(psycopg.DataError):
        futures[1].result(30)


def test_a_hold_whose_settlement_cannot_be_written_is_voided(
    books: Books, process: Process
) -> None:
    bad = process.admit(books.call(100))

    with pytest.raises(psycopg.DataError):
        process.apply(bad.settle(30, route="\0"))

    eventually(lambda: books.wallet().held == 0, what="the void")
    assert books.wallet().posted == 1_000
    assert audit().is_ok


def test_a_wallet_that_was_tampered_with_harms_no_other(books: Books, process: Process) -> None:
    tampered = open_books(1_000)
    call = process.admit(tampered.call(100))
    tampered.set_held(0)  # freeing the hold would make it negative, which PostgreSQL rejects

    with pytest.raises(psycopg.errors.CheckViolation):
        process.apply(call.settle(30))

    assert process.apply(process.admit(books.call(100)).settle(30)).charged == 30


def test_a_column_type_that_a_migration_changes_stops_no_process(
    books: Books, process: Process
) -> None:
    """PostgreSQL rejects prepared statements and plans whose result types have changed."""
    call = process.admit(books.call(100))
    try:
        change_column("state", "varchar(32)")

        assert process.apply(call.settle(30)).charged == 30
        assert process.apply(process.admit(books.call(100)).settle(30)).charged == 30
    finally:
        change_column("state", "varchar(16)")


def change_column(name: str, kind: str) -> None:
    """Change the type of a column of billing_hold."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE billing_hold ALTER COLUMN {name} TYPE {kind}")


def test_a_session_that_ends_during_a_batch_loses_and_doubles_nothing(
    books: Books, process: Process
) -> None:
    settling, new = process.admit(books.call(100)), books.call(100)
    with books.locked():
        settled = process.submit(settling.settle(30))
        eventually(books.is_waited_for, what="the batch")
        refused = process.submit(new.hold())
        end_sessions("caicaini-writer")

        assert settled.result(30).charged == 30  # from the journal, without waiting for the lock
        with pytest.raises(LedgerUnreachable):
            refused.result(30)

    process.await_recovery(books.call(100))
    assert (books.wallet().posted, books.wallet().held) == (970, 100)
    assert [entry.amount for entry in books.usage()] == [-30]
    assert audit().is_ok


def test_no_hold_is_left_when_its_session_ended(books: Books, process: Process) -> None:
    with books.locked():
        refused = process.submit(books.call(100).hold())
        eventually(books.is_waited_for, what="the batch")
        end_sessions("caicaini-writer")
        with pytest.raises(LedgerUnreachable):
            refused.result(30)

    process.await_recovery(books.call(1_000))  # everything is free


def test_a_key_revoked_while_its_call_waits_holds_nothing(books: Books, process: Process) -> None:
    key = books.mint()
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT 1 FROM billing_wallet WHERE id = %s FOR UPDATE", [books.wallet_id])
        waiting = process.submit(books.call(100, key_id=key.pk).hold())
        eventually(books.is_waited_for, what="the hold")
        other.execute("UPDATE keys_apikey SET revoked_at = now() WHERE id = %s", [key.pk])
        other.commit()

    assert waiting.result(30).decision is HoldDecision.KEY_UNUSABLE
    assert books.wallet().held == 0


def test_a_revocation_waits_for_the_holds_that_are_being_made(
    books: Books, process: Process
) -> None:
    """Otherwise a hold could be committed after the revocation has returned."""
    key = books.mint()
    revoking = threading.Thread(target=_revoke, args=[key])
    with books.locked():
        revoking.start()
        eventually(books.is_waited_for, what="the revocation")
    revoking.join(30)

    assert not revoking.is_alive()
    decision = process.apply(books.call(1, key_id=key.pk).hold()).decision
    assert decision is HoldDecision.KEY_UNUSABLE


def _revoke(key: ApiKey) -> None:
    try:
        key_services.revoke(key=key)
    finally:
        connection.close()


def test_no_hold_is_made_once_a_revocation_has_returned(books: Books, process: Process) -> None:
    books.give(1_000_000)
    for _ in range(20):
        key = books.mint()
        before = [process.submit(books.call(1, key_id=key.pk).hold()) for _ in range(50)]
        key_services.revoke(key=key)
        after = [process.submit(books.call(1, key_id=key.pk).hold()) for _ in range(5)]

        assert {future.result(30).decision for future in after} == {HoldDecision.KEY_UNUSABLE}
        for future in before:
            future.result(30)
