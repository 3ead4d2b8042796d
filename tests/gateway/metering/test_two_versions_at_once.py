"""During a deploy, gateways of two versions write in the same wallets, each by its own function."""

import threading
from typing import Any

import psycopg

from billing.audit.report import audit
from billing.models import HoldState
from gateway.metering import blocking_apply
from gateway.metering.operations import HoldDecision, HoldResult, SettleResult
from tests.support.books import Books, database_url
from tests.support.gateway_process import Process
from tests.support.old_process import OldProcess

NEW_OWNER = 7
CALLS = 40


def test_calls_of_both_versions_race_for_the_credits_of_one_wallet(
    books: Books, process: Process
) -> None:
    old_calls, new_calls = ([books.call(20) for _ in range(CALLS)] for _ in range(2))
    charged: list[int] = []

    def run_old() -> None:
        with psycopg.connect(database_url(), autocommit=True) as connection:
            old = OldProcess(connection)
            for call in old_calls:
                if old.reserve(call)[0] == ["admitted"]:
                    charged.extend(old.close(call, actual=9)[1])

    thread = threading.Thread(target=run_old)
    thread.start()
    results = [process.apply(call.hold()) for call in new_calls]
    admitted = [
        call
        for call, result in zip(new_calls, results, strict=True)
        if result.decision is HoldDecision.ADMITTED
    ]
    settled = [process.apply(call.settle(7)).charged for call in admitted]
    thread.join(30)

    assert charged
    assert set(settled) == {7}
    assert (books.wallet().posted, books.wallet().held) == (1_000 - sum(charged) - sum(settled), 0)
    assert len(books.usage()) == len(books.records()) == len(charged) + len(settled)
    assert audit().is_ok


def test_each_version_ends_holds_of_the_other(books: Books) -> None:
    """A process replays the journal of a dead one of the other version."""
    old_calls, new_calls = ([books.call(100) for _ in range(3)] for _ in range(2))
    with psycopg.connect(database_url(), autocommit=True) as connection:
        old = OldProcess(connection)

        def apply(*operations: Any) -> list[Any]:
            return list(blocking_apply.write(connection, operations, owner=NEW_OWNER))

        assert old.reserve(*old_calls)[0] == ["admitted"] * 3
        apply(*(call.hold() for call in new_calls))

        assert apply(old_calls[0].settle(30), old_calls[1].void(), old_calls[2].void_hold()) == [
            SettleResult(30, 0, 970, 500, 970),
            SettleResult(0, 0, 970, 400, None),
            SettleResult(0, 0, 970, 300, None),
        ]
        assert old.close(new_calls[0], actual=120)[1:] == [[100], [20]]
        assert old.close(new_calls[1], actual=None)[1:] == [[0], [0]]
        old.release(new_calls[2])

        # Each again, by the other version: nothing moves, and the result is the same.
        assert old.close(old_calls[0], actual=30)[1:] == [[30], [0]]
        assert apply(new_calls[0].settle(120)) == [SettleResult(100, 20, 870, 0, 870)]
        assert apply(books.call(870).hold()) == [HoldResult(HoldDecision.ADMITTED, 870, 870)]

    assert len(books.holds(HoldState.SETTLED)) == len(books.usage()) == 2
    assert {record.balance_after for record in books.records()} == {970, None}
    assert audit().is_ok


def test_a_record_of_the_version_before_has_no_details(books: Books) -> None:
    call = books.call(100)
    with psycopg.connect(database_url(), autocommit=True) as connection:
        old = OldProcess(connection)
        old.reserve(call)
        old.close(call, actual=30)

    [record] = books.records()
    assert (record.credits, record.route, record.duration_ms) == (30, "caicaini/swift", 34)
    assert (record.lines, record.balance_after, record.hold_amount) == (None, None, None)
