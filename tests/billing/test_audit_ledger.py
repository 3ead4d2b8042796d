"""The audit names the wallet for every kind of tampering, and has no false positives."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from billing.audit import runs
from billing.audit.report import AuditReport, audit
from billing.ledger import posting, wallets
from billing.models import AuditKind, AuditRun, EntryKind
from gateway.metering import blocking_apply
from gateway.metering.operations import HoldDecision, HoldResult
from tests.support.books import Books, TestCall, booked, database_url, open_books

OWNER = 7


@pytest.fixture
def books(transactional_db: None) -> Books:
    """A workspace with a history: entries of several kinds, holds in every state."""
    open_books(500)  # another workspace, which is not tampered with
    books = open_books(1_000)
    make_history(books)
    return books


def make_history(books: Books) -> None:
    calls = [books.call(50) for _ in range(5)]
    written(*(call.hold() for call in calls))
    written(calls[0].settle(20), calls[1].settle(30), calls[2].void())
    books.top_up(400)
    written(calls[3].settle(10))


def written(*operations: Any) -> list[Any]:
    with psycopg.connect(database_url(), autocommit=True) as ledger_connection:
        return blocking_apply.write(ledger_connection, operations, owner=OWNER)


def tamper(statement: str, books: Books) -> int:
    """Run a statement as a superuser who has switched off triggers and foreign keys."""
    with psycopg.connect(database_url()) as superuser:
        superuser.execute("SET session_replication_role = replica")
        return superuser.execute(
            statement, {"wallet": books.wallet_id, "workspace": books.workspace.pk}
        ).rowcount


TAMPERING = {
    "an entry's amount": "UPDATE billing_ledgerentry SET amount = amount + 1"
    " WHERE wallet_id = %(wallet)s AND seq = 1",
    "a usage entry's amount": "UPDATE billing_ledgerentry SET amount = amount - 1"
    " WHERE wallet_id = %(wallet)s AND seq = 2",
    "an entry's balance": "UPDATE billing_ledgerentry SET balance_after = balance_after + 1"
    " WHERE wallet_id = %(wallet)s AND seq = 3",
    "the newest entry's balance": "UPDATE billing_ledgerentry SET balance_after = 0"
    " WHERE wallet_id = %(wallet)s AND seq = 5",
    "an entry's kind": "UPDATE billing_ledgerentry SET kind = 'adjustment'"
    " WHERE wallet_id = %(wallet)s AND seq = 2",
    "an entry's reference": "UPDATE billing_ledgerentry SET reference = 'nothing'"
    " WHERE wallet_id = %(wallet)s AND seq = 2",
    "an entry's reference, nearly a hold's id": "UPDATE billing_ledgerentry"
    " SET reference = repeat('-', 36) WHERE wallet_id = %(wallet)s AND seq = 2",
    "an entry's place": "UPDATE billing_ledgerentry SET seq = 99"
    " WHERE wallet_id = %(wallet)s AND seq = 2",
    "an entry's wallet": "UPDATE billing_ledgerentry SET wallet_id = -1"
    " WHERE wallet_id = %(wallet)s AND seq = 5",
    "the first entry, deleted": "DELETE FROM billing_ledgerentry"
    " WHERE wallet_id = %(wallet)s AND seq = 1",
    "an entry, deleted": "DELETE FROM billing_ledgerentry WHERE wallet_id = %(wallet)s AND seq = 4",
    "the newest entry, deleted": "DELETE FROM billing_ledgerentry"
    " WHERE wallet_id = %(wallet)s AND seq = 5",
    "every entry, deleted": "DELETE FROM billing_ledgerentry WHERE wallet_id = %(wallet)s",
    "an entry, inserted": "INSERT INTO billing_ledgerentry"
    " (wallet_id, seq, kind, amount, balance_after, reference)"
    " VALUES (%(wallet)s, 6, 'grant', 500, 1840, 'a present')",
    "an entry, inserted in front": "INSERT INTO billing_ledgerentry"
    " (wallet_id, seq, kind, amount, balance_after, reference)"
    " VALUES (%(wallet)s, 17, 'usage', 0, 1340, 'a present')",
    "the balance": "UPDATE billing_wallet SET posted = posted + 1 WHERE id = %(wallet)s",
    "the held credits": "UPDATE billing_wallet SET held = held - 1 WHERE id = %(wallet)s",
    "the seq": "UPDATE billing_wallet SET seq = seq + 1 WHERE id = %(wallet)s",
    "the whole wallet, emptied": "UPDATE billing_wallet SET posted = 0, held = 0, seq = 0"
    " WHERE id = %(wallet)s",
    "an open hold's amount": "UPDATE billing_hold SET amount = amount + 1"
    " WHERE wallet_id = %(wallet)s AND state = 'open'",
    "an open hold, deleted": "DELETE FROM billing_hold"
    " WHERE wallet_id = %(wallet)s AND state = 'open'",
    "an open hold, voided": "UPDATE billing_hold SET state = 'void', closed_at = now()"
    " WHERE wallet_id = %(wallet)s AND state = 'open'",
    "a hold, inserted": "INSERT INTO billing_hold"
    " (wallet_id, id, source, amount, owner, accepted_at)"
    " VALUES (%(wallet)s, gen_random_uuid(), 'api', 5, 7, now())",
    "a hold's charge": "UPDATE billing_hold SET actual = actual + 1"
    " WHERE wallet_id = %(wallet)s AND actual = 30",
    "a hold's moment": "UPDATE billing_hold SET accepted_at = now()"
    " WHERE wallet_id = %(wallet)s AND actual = 30",
    "a settled hold, deleted": "DELETE FROM billing_hold"
    " WHERE wallet_id = %(wallet)s AND actual = 30",
    "a settled hold, voided": "UPDATE billing_hold SET state = 'void', actual = NULL"
    " WHERE wallet_id = %(wallet)s AND actual = 30",
    "a void hold, settled": "UPDATE billing_hold SET state = 'settled', actual = 0"
    " WHERE wallet_id = %(wallet)s AND state = 'void'",
    "a void hold, deleted": "DELETE FROM billing_hold"
    " WHERE wallet_id = %(wallet)s AND state = 'void'",
    "a settled hold, inserted": "INSERT INTO billing_hold"
    " (wallet_id, id, source, amount, actual, state, owner, accepted_at, closed_at)"
    " VALUES (%(wallet)s, gen_random_uuid(), 'api', 5, 5, 'settled', 7, now(), now())",
    "a record's credits": "UPDATE usage_requestrecord SET credits = credits + 1"
    " WHERE workspace_id = %(workspace)s AND credits = 30",
    "a void call's credits": "UPDATE usage_requestrecord SET credits = 1"
    " WHERE workspace_id = %(workspace)s AND credits = 0",
    "a record's id": "UPDATE usage_requestrecord SET id = gen_random_uuid()"
    " WHERE workspace_id = %(workspace)s AND credits = 30",
    "a record's moment": "UPDATE usage_requestrecord SET accepted_at = accepted_at + '1 ms'"
    " WHERE workspace_id = %(workspace)s AND credits = 30",
    "a record, deleted": "DELETE FROM usage_requestrecord"
    " WHERE workspace_id = %(workspace)s AND credits = 30",
    "a record, doubled": "INSERT INTO usage_requestrecord"
    " SELECT (jsonb_populate_record(record,"
    " jsonb_build_object('accepted_at', record.accepted_at + '1 ms'))).*"
    " FROM usage_requestrecord AS record WHERE workspace_id = %(workspace)s AND credits = 30",
}


def test_honest_books_are_in_order(books: Books) -> None:
    report = audit()

    assert report.findings == []
    assert (report.wallets, report.entries, report.holds, report.records) == (2, 6, 5, 4)


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING)
def test_the_wallet_is_named_whose_books_were_tampered_with(books: Books, statement: str) -> None:
    earlier = audit()
    assert tamper(statement, books) >= 1

    for report in (audit(), audit(since=earlier.covered_until)):
        assert books.wallet_id in report.wallet_ids
        assert report.wallet_ids <= {books.wallet_id, -1}


@pytest.fixture
def indebted(transactional_db: None) -> Books:
    """A workspace that had spent what a refund and a dispute took back, and repaid some of it.

    1,000 bought, 700 spent, 600 of the 900 taken back became owed, 200 of these are repaid.
    """
    books = open_books()
    first = books.top_up(1_000)
    posting.post(
        wallet_id=books.wallet_id, kind=EntryKind.ADJUSTMENT, amount=-700, reference="operator:1"
    )
    booked(first, refunded=500)
    booked(first, disputed=400)
    books.top_up(200)
    assert (books.wallet().posted, books.wallet().owed) == (0, 400)
    return books


TAMPERING_WITH_DEBT = {
    "what is owed": "UPDATE billing_wallet SET owed = owed - 1 WHERE id = %(wallet)s",
    "what is owed, forgiven": "UPDATE billing_wallet SET owed = 0 WHERE id = %(wallet)s",
    "what was credited": "UPDATE billing_topup SET credited = credited + 1"
    " WHERE wallet_id = %(wallet)s AND credited = 1000",
    "what was refunded": "UPDATE billing_topup SET refunded = 0"
    " WHERE wallet_id = %(wallet)s AND refunded = 500",
    "what was disputed": "UPDATE billing_topup SET disputed = 0"
    " WHERE wallet_id = %(wallet)s AND disputed = 400",
    "a top-up, deleted": "DELETE FROM billing_topup"
    " WHERE wallet_id = %(wallet)s AND credited = 200",
    "a top-up that was repaid with, called a grant": "UPDATE billing_ledgerentry SET kind = 'grant'"
    " WHERE wallet_id = %(wallet)s AND amount = 200",
    "every top-up, deleted": "DELETE FROM billing_topup WHERE wallet_id = %(wallet)s",
    "a repayment's reference": "UPDATE billing_ledgerentry SET reference = 'operator:2'"
    " WHERE wallet_id = %(wallet)s AND amount = -200",
    "an adjustment, called a refund": "UPDATE billing_ledgerentry SET kind = 'refund'"
    " WHERE wallet_id = %(wallet)s AND reference = 'operator:1'",
}


def test_honest_debts_are_in_order(indebted: Books) -> None:
    first = audit()
    top_up = indebted.top_up(900)  # repays the rest, and leaves 500
    booked(top_up, disputed=900)
    assert indebted.wallet().owed == 400
    booked(top_up, disputed=0)
    assert (indebted.wallet().posted, indebted.wallet().owed) == (500, 0)

    assert audit().findings == audit(since=first.covered_until).findings == first.findings == []


@pytest.mark.parametrize("statement", TAMPERING_WITH_DEBT.values(), ids=TAMPERING_WITH_DEBT)
def test_the_wallet_is_named_whose_debts_were_tampered_with(
    indebted: Books, statement: str
) -> None:
    other = open_books()
    booked(other.top_up(100), refunded=100)
    earlier = audit()
    assert earlier.is_ok
    assert tamper(statement, indebted) >= 1

    for report in (audit(), audit(since=earlier.covered_until)):
        assert report.wallet_ids == {indebted.wallet_id}


def test_a_top_up_that_nobody_bought_is_found(books: Books) -> None:
    """Posted by the rules of the ledger, but without a payment."""
    other = open_books(500)
    posting.post(
        wallet_id=other.wallet_id,
        kind=EntryKind.TOP_UP,
        amount=100,
        reference=f"{uuid.uuid4()}:1",
    )

    assert audit().wallet_ids == {other.wallet_id}


def test_a_record_of_nobody_is_found(books: Books) -> None:
    tamper("UPDATE usage_requestrecord SET workspace_id = 0 WHERE credits = 30", books)

    report = audit()

    assert "a request record has a settled or voided hold of its amount" in {
        finding.rule for finding in report.findings
    }


def test_a_request_is_named_as_its_caller_knows_it(books: Books) -> None:
    [record] = [record for record in books.records() if record.credits == 30]
    tamper(TAMPERING["a record's credits"], books)

    output = StringIO()
    with pytest.raises(SystemExit):
        call_command("audit_ledger", stdout=output)

    places = [
        place
        for finding in json.loads(output.getvalue())["findings"]
        for place in finding["places"]
    ]
    assert sorted(places) == [
        f"hold of request req_{record.id.hex} of wallet {books.wallet_id}",
        f"request req_{record.id.hex} of wallet {books.wallet_id}",
    ]


def test_a_settled_hold_needs_no_record_of_another_workspace(books: Books) -> None:
    tamper("UPDATE usage_requestrecord SET workspace_id = 0 WHERE credits = 30", books)

    assert books.wallet_id in audit().wallet_ids


# --- What changed lately ------------------------------------------------------------------------


def age(books: Books) -> None:
    """Let everything be an hour old."""
    for table, column in {
        "billing_ledgerentry": "created_at",
        "billing_hold": "closed_at",
    }.items():
        tamper(f"UPDATE {table} SET {column} = {column} - interval '1 hour'", books)  # noqa: S608
    tamper("UPDATE billing_hold SET accepted_at = accepted_at - interval '1 hour'", books)
    tamper("UPDATE usage_requestrecord SET accepted_at = accepted_at - interval '1 hour'", books)
    tamper("UPDATE usage_dirtyhour SET starts_at = starts_at - interval '1 hour'", books)


def test_only_what_is_new_is_looked_at(books: Books) -> None:
    age(books)
    first = audit()
    make_history(books)

    report = audit(since=first.covered_until)

    assert first.is_ok
    assert report.is_ok
    # Four new entries, four settled or voided holds, and the two open ones; four records.
    assert (report.entries, report.holds, report.records) == (4, 6, 4)


def test_a_transaction_that_was_open_during_the_audit_is_looked_at_by_the_next(
    books: Books,
) -> None:
    """Its rows carry the time of its beginning, long before they became visible."""
    with psycopg.connect(database_url()) as slow:
        slow.execute("SELECT now()")
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01)")
        earlier = audit()
        began = slow.execute("SELECT now()").fetchone()
        slow.execute("SET session_replication_role = replica")
        slow.execute(
            "UPDATE billing_ledgerentry SET reference = 'nothing', created_at = now()"
            " WHERE wallet_id = %s AND seq = 2",
            [books.wallet_id],
        )
    assert began is not None
    assert earlier.covered_until < began[0] < earlier.at

    assert audit(since=earlier.covered_until).wallet_ids == {books.wallet_id}


def test_what_is_frozen_is_looked_at_from_its_beginning_on(books: Books) -> None:
    age(books)
    tamper(TAMPERING["a record's credits"], books)
    since = audit().covered_until
    assert audit(since=since).is_ok

    books.freeze()

    assert audit(since=since).wallet_ids == {books.wallet_id}


# --- Runs that are kept -------------------------------------------------------------------------


def decision_of(call: TestCall) -> HoldDecision:
    [held] = written(call.hold())
    assert isinstance(held, HoldResult)
    return held.decision


def test_the_first_run_is_full_and_the_next_begin_where_the_last_ended(books: Books) -> None:
    first, second, third = (runs.run_recent() for _ in range(3))

    assert [run.kind for run in (first, second, third)] == [
        AuditKind.FULL,
        AuditKind.RECENT,
        AuditKind.RECENT,
    ]
    assert first.covered_from is None
    assert second.covered_from == first.covered_until
    assert third.covered_from == second.covered_until
    assert first.is_ok


def test_a_workspace_whose_books_are_wrong_makes_no_new_call_and_no_other_is_stopped(
    books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    other = open_books(500)
    running = books.call(50)
    assert decision_of(running) is HoldDecision.ADMITTED
    tamper(TAMPERING["a usage entry's amount"], books)

    run = runs.run_recent()

    assert not run.is_ok
    assert f"entry 2 of wallet {books.wallet_id}" in str(run.findings)
    assert f"entry 2 of wallet {books.wallet_id}" in caplog.text
    assert decision_of(books.call(1)) is HoldDecision.FROZEN
    assert decision_of(other.call(1)) is HoldDecision.ADMITTED
    [settled] = written(running.settle(5))
    assert settled.charged == 5


def test_books_in_order_freeze_nobody(books: Books) -> None:
    runs.run_full()

    assert books.wallet().frozen_at is None


def test_a_wallet_stays_frozen_since_the_first_finding(books: Books) -> None:
    tamper(TAMPERING["the balance"], books)
    runs.run_recent()
    since = books.wallet().frozen_at

    runs.run_recent()

    assert since is not None
    assert books.wallet().frozen_at == since


def test_an_unfrozen_workspace_makes_calls_again(books: Books) -> None:
    books.freeze()

    wallets.unfreeze(books.wallet_id)

    assert decision_of(books.call(1)) is HoldDecision.ADMITTED


def test_old_runs_are_forgotten_by_the_full_one(books: Books) -> None:
    old = runs.run_full()
    AuditRun.objects.filter(pk=old.pk).update(started_at=old.started_at - timedelta(days=36))

    new = runs.run_full()

    assert list(AuditRun.objects.all()) == [new]


# --- While calls run ----------------------------------------------------------------------------


@contextmanager
def hammering(act: Callable[[], None]) -> Iterator[None]:
    """Repeat something in another thread."""
    done = threading.Event()

    def hammer() -> None:
        while not done.is_set():
            act()
        connection.close()

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_running_calls_never_look_like_errors(books: Books) -> None:
    books.give(1_000_000)

    def call() -> None:
        one, other = books.call(50), books.call(50)
        written(one.hold(), other.hold())
        written(one.settle(20), other.void())
        books.give(3)

    reports: list[AuditReport] = []
    with hammering(call):
        for _ in range(40):
            since = reports[-1].covered_until if reports else None
            reports.append(audit(since=since))

    assert [report.findings for report in reports if not report.is_ok] == []
    assert reports[-1].entries > reports[0].entries


def command(**options: Any) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    try:
        call_command("audit_ledger", stdout=out, **options)
    except SystemExit as exit_:
        return int(str(exit_.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_the_command_says_ok_in_json(books: Books) -> None:
    code, report = command()

    assert code == 0
    assert report["ok"] is True
    assert report["findings"] == []


def test_the_command_exits_with_an_error_and_freezes_nobody(books: Books) -> None:
    tamper(TAMPERING["the balance"], books)

    code, report = command()

    assert code == 1
    assert report["ok"] is False
    assert report["findings"][0]["wallet_ids"] == [books.wallet_id]
    assert books.wallet().frozen_at is None
