"""Batches of operations: decided in the order of arrival, written once, safe to repeat."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection

from accounts.models import User
from accounts.services import give_personal_workspace
from billing.ledger import posting, wallets
from billing.models import EntryKind, HoldState, Pool
from gateway.metering import blocking_apply
from gateway.metering.operations import (
    HoldDecision,
    HoldResult,
    Operation,
    Outcome,
    Settle,
    SettleResult,
)
from keys import services as key_services
from tests.support.books import Books, TestCall, open_books, subscription_wallet
from usage.models import DirtyHour, Ending
from usage.records import RecordAttempt, RecordLine

OWNER = 7
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def books(db: None) -> Books:
    """A workspace with 1,000 credits, undone after the test."""
    return open_books(1_000)


def apply(*operations: Operation) -> Sequence[Outcome | Exception]:
    """Apply operations in their order, within the test's transaction."""
    connection.ensure_connection()
    return blocking_apply.write(connection.connection, operations, owner=OWNER)


def decisions(outcomes: Sequence[Any]) -> list[HoldDecision]:
    return [outcome.decision for outcome in outcomes if isinstance(outcome, HoldResult)]


def numbers(books: Books) -> tuple[int, int]:
    wallet = books.wallet()
    return wallet.posted, wallet.held


def test_a_hold_sets_its_amount_aside(books: Books) -> None:
    call = books.call(300)

    assert apply(call.hold()) == [HoldResult(HoldDecision.ADMITTED, 1_000, 300)]

    assert numbers(books) == (1_000, 300)
    [hold] = books.holds(HoldState.HELD)
    assert (hold.id, hold.amount, hold.owner, hold.pool) == (call.id, 300, OWNER, "api")
    assert hold.accepted_at == call.accepted_at


def test_a_settlement_takes_what_was_used_and_frees_the_rest(books: Books) -> None:
    call = books.call(300)
    apply(call.hold())

    assert apply(call.settle(120)) == [SettleResult(120, 0, 880, 0, 880)]

    assert numbers(books) == (880, 0)
    [entry] = books.usage()
    assert (entry.amount, entry.balance_after, entry.reference) == (-120, 880, str(call.id))
    [hold] = books.holds(HoldState.SETTLED)
    assert hold.actual == 120
    [record] = books.records()
    assert (record.id, record.credits, record.lost_credits) == (call.id, 120, 0)
    assert record.balance_after == 880


def test_a_void_frees_everything_and_still_writes_the_record(books: Books) -> None:
    call = books.call(300)
    apply(call.hold())

    assert apply(call.void(lost_credits=9)) == [SettleResult(0, 9, 1_000, 0, None)]

    assert numbers(books) == (1_000, 0)
    assert books.usage() == []
    [record] = books.records()
    assert (record.credits, record.lost_credits, record.status) == (0, 9, 500)
    assert record.balance_after is None


def test_a_free_call_has_an_entry_of_nothing(books: Books) -> None:
    call = books.call(300)
    apply(call.hold())

    assert apply(call.settle(0)) == [SettleResult(0, 0, 1_000, 0, 1_000)]

    assert numbers(books) == (1_000, 0)
    assert [entry.amount for entry in books.usage()] == [0]
    assert len(books.holds(HoldState.SETTLED)) == 1


def test_a_settlement_above_its_hold_charges_the_hold_and_loses_the_rest(books: Books) -> None:
    call = books.call(300)
    apply(call.hold())

    assert apply(call.settle(450)) == [SettleResult(300, 150, 700, 0, 700)]

    assert numbers(books) == (700, 0)
    [record] = books.records()
    assert (record.credits, record.lost_credits) == (300, 150)


def test_operations_are_decided_in_the_order_they_came(books: Books) -> None:
    large, medium, small = books.call(700), books.call(400), books.call(300)

    outcomes: Any = apply(large.hold(), medium.hold(), small.hold())

    assert decisions(outcomes) == [
        HoldDecision.ADMITTED,
        HoldDecision.OUT_OF_CREDITS,
        HoldDecision.ADMITTED,
    ]
    assert numbers(books) == (1_000, 1_000)
    assert outcomes[1] == HoldResult(HoldDecision.OUT_OF_CREDITS, 1_000, 700)
    assert outcomes[1].available == 300


def test_credits_that_a_batch_frees_can_be_held_by_its_later_operations(books: Books) -> None:
    first, second, third = books.call(1_000), books.call(900), books.call(900)

    outcomes = apply(first.hold(), second.hold(), first.settle(100), third.hold())

    assert decisions(outcomes) == [
        HoldDecision.ADMITTED,
        HoldDecision.OUT_OF_CREDITS,
        HoldDecision.ADMITTED,
    ]
    assert numbers(books) == (900, 900)


def test_a_hold_and_its_void_right_after_it_leave_nothing_held(books: Books) -> None:
    call = books.call(300)

    assert apply(call.hold(), call.void_hold()) == [
        HoldResult(HoldDecision.ADMITTED, 1_000, 300),
        SettleResult(0, 0, 1_000, 0, None),
    ]

    assert numbers(books) == (1_000, 0)
    assert len(books.holds(HoldState.VOIDED)) == 1
    assert books.records() == []


def test_a_void_of_a_hold_that_was_never_made_does_nothing(books: Books) -> None:
    apply(books.call(300).void_hold())

    assert numbers(books) == (1_000, 0)


def test_a_void_after_the_settlement_gives_nothing_back(books: Books) -> None:
    call = books.call(300)
    apply(call.hold(), call.settle(120), call.void_hold())

    assert apply(call.void_hold()) == [SettleResult(0, 0, 880, 0, None)]
    assert numbers(books) == (880, 0)
    assert len(books.holds(HoldState.SETTLED)) == 1


def test_settling_again_charges_nothing_more_and_has_the_same_result(books: Books) -> None:
    call = books.call(300)
    apply(call.hold())
    first = apply(call.settle(450))

    assert first == [SettleResult(300, 150, 700, 0, 700)]
    assert apply(call.settle(450)) == first
    assert apply(call.settle(450), call.settle(450)) == first * 2

    assert numbers(books) == (700, 0)
    assert len(books.usage()) == len(books.records()) == 1


def test_settling_again_returns_the_balance_after_its_own_entry(books: Books) -> None:
    """The wallet has moved on since; the call's entry has not."""
    call, other = books.call(300), books.call(200)
    apply(call.hold(), other.hold(), call.settle(120), other.settle(50))
    books.give(5_000)

    assert apply(call.settle(120)) == [SettleResult(120, 0, 5_830, 0, 880)]
    assert apply(other.settle(50)) == [SettleResult(50, 0, 5_830, 0, 830)]


def test_settling_twice_in_a_row_charges_once(books: Books) -> None:
    call = books.call(300)

    outcomes = apply(call.hold(), call.settle(120), call.settle(120))

    assert outcomes[1:] == [SettleResult(120, 0, 880, 0, 880)] * 2
    assert numbers(books) == (880, 0)
    assert len(books.usage()) == len(books.records()) == 1


def test_voiding_again_changes_nothing(books: Books) -> None:
    call = books.call(300)
    apply(call.hold(), call.void(lost_credits=9))

    again = apply(call.void(lost_credits=9), call.void(lost_credits=9))

    assert again == [SettleResult(0, 9, 1_000, 0, None)] * 2
    assert numbers(books) == (1_000, 0)
    assert len(books.records()) == 1


def test_a_settlement_without_a_hold_charges_nothing(books: Books) -> None:
    assert apply(books.call(300).settle(120)) == [SettleResult(0, 120, 1_000, 0, None)]

    assert numbers(books) == (1_000, 0)
    assert not books.usage()
    assert not books.records()


def reap(books: Books, call: Any) -> None:
    """Void a call's hold as the reaper does: without a record."""
    apply(call.void_hold())
    assert books.records() == []


def test_a_reaped_hold_is_charged_after_all_when_that_still_fits(books: Books) -> None:
    call = books.call(300)
    apply(call.hold())
    reap(books, call)

    assert apply(call.settle(120)) == [SettleResult(120, 0, 880, 0, 880)]

    assert numbers(books) == (880, 0)
    assert [hold.actual for hold in books.holds(HoldState.SETTLED)] == [120]
    assert [record.credits for record in books.records()] == [120]


def test_a_reaped_hold_whose_credits_are_gone_is_our_loss(books: Books) -> None:
    call = books.call(300)
    apply(call.hold())
    reap(books, call)
    apply(books.call(900).hold())  # the freed credits go to another call

    assert apply(call.settle(120)) == [SettleResult(0, 120, 1_000, 900, None)]

    assert numbers(books) == (1_000, 900)
    assert books.usage() == []
    assert [(record.credits, record.lost_credits) for record in books.records()] == [(0, 120)]


def test_a_loss_once_recorded_stays_one_when_the_settlement_comes_again(books: Books) -> None:
    call, other = books.call(300), books.call(900)
    apply(call.hold())
    reap(books, call)
    apply(other.hold())
    apply(call.settle(120))
    apply(other.void_hold())  # now the credits would suffice

    assert apply(call.settle(120)) == [SettleResult(0, 120, 1_000, 0, None)]

    assert numbers(books) == (1_000, 0)
    assert books.usage() == []


def test_entries_of_one_batch_are_numbered_and_chained(books: Books) -> None:
    calls = [books.call(100) for _ in range(5)]
    apply(*(call.hold() for call in calls))

    results = apply(*(call.settle(10 + place) for place, call in enumerate(calls)))

    assert results == [
        SettleResult(10, 0, 990, 400, 990),
        SettleResult(11, 0, 979, 300, 979),
        SettleResult(12, 0, 967, 200, 967),
        SettleResult(13, 0, 954, 100, 954),
        SettleResult(14, 0, 940, 0, 940),
    ]
    entries = books.usage()
    assert [entry.seq for entry in entries] == [2, 3, 4, 5, 6]
    assert [entry.balance_after for entry in entries] == [990, 979, 967, 954, 940]
    assert numbers(books) == (940, 0)


def test_wallets_in_one_batch_do_not_mix(books: Books) -> None:
    other = open_books(50)
    ours, theirs = books.call(60), other.call(60)

    outcomes = apply(ours.hold(), theirs.hold())

    assert decisions(outcomes) == [HoldDecision.ADMITTED, HoldDecision.OUT_OF_CREDITS]
    assert (numbers(books), numbers(other)) == ((1_000, 60), (50, 0))


def test_charges_in_two_wallets_are_numbered_separately(books: Books) -> None:
    other = open_books(500)
    ours, theirs = [books.call(100) for _ in range(2)], [other.call(100) for _ in range(2)]
    walletless = replace(books.call(0), workspace_id=books.workspace.pk + 1_000_000)
    apply(*(call.hold() for call in (*ours, walletless, *theirs)))

    results = apply(
        ours[0].settle(10),
        theirs[0].settle(20),
        walletless.settle(7),
        ours[1].settle(30),
        theirs[1].settle(40),
    )

    assert results == [
        SettleResult(10, 0, 990, 100, 990),
        SettleResult(20, 0, 480, 100, 480),
        SettleResult(0, 7, 0, 0, None),
        SettleResult(30, 0, 960, 0, 960),
        SettleResult(40, 0, 440, 0, 440),
    ]
    assert [(entry.seq, entry.balance_after) for entry in books.usage()] == [(2, 990), (3, 960)]
    assert [(entry.seq, entry.balance_after) for entry in other.usage()] == [(2, 480), (3, 440)]
    assert (numbers(books), numbers(other)) == ((960, 0), (440, 0))


def test_a_record_is_written_as_it_was_given(books: Books) -> None:
    """All of its fields: the function lists them, too."""
    call = books.call(300, key_id=books.mint().pk)
    given = call.record(
        source="console",
        upstream_id=11,
        price_id=12,
        is_stream=True,
        status=499,
        error_type="some_error",
        ending=Ending.CALLER_LEFT,
        input_tokens=101,
        output_tokens=102,
        cache_creation_input_tokens=103,
        cache_read_input_tokens=104,
        is_usage_estimated=True,
        lost_credits=5,
        first_byte_ms=105,
        duration_ms=106,
        lines=(RecordLine("input", "caicaini/swift", 12, 101, 300_000),),
        cache_creation_1h_input_tokens=107,
        hold_amount=300,
        attempts=(
            RecordAttempt(11, "swift-1", 2, 40, None, "timeout"),
            RecordAttempt(13, "swift-1", 42, 60, 200, ""),
        ),
        tags=("team a", 'quotes " and {braces}, 🦊'),
        session_id="session",
        user_label="user",
        member_id=108,
        queue_ms=109,
        hold_ms=110,
        error_code="some_code",
        refusals=111,
    )
    apply(call.hold(), Settle(given, 7, 300))

    [written] = books.records()
    expected = msgspec.structs.asdict(given) | {"credits": 7, "balance_after": 993}
    for name in ("lines", "attempts", "tags"):
        expected[name] = msgspec.json.decode(msgspec.json.encode(expected[name]))
    assert {name: getattr(written, name) for name in expected} == expected
    # The message is that of a refused call, which this function does not write.
    assert [name for name, value in expected.items() if value is None] == ["error_message"]
    assert expected["lines"][0]["class"] == "input"


def test_a_record_without_details_has_none_of_them(books: Books) -> None:
    call = books.call(300)
    apply(call.hold(), call.settle(7))

    [written] = books.records()
    assert (written.lines, written.attempts, written.tags, written.refusals) == (None,) * 4


def test_a_workspace_without_a_wallet_is_refused(books: Books) -> None:
    call = replace(books.call(0), workspace_id=books.workspace.pk + 1_000_000)

    assert apply(call.hold(), call.void_hold()) == [
        HoldResult(HoldDecision.NO_WALLET, 0, 0),
        SettleResult(0, 0, 0, 0, None),
    ]


def test_a_call_cannot_spend_credits_of_the_subscription(books: Books) -> None:
    poor = open_books()
    other = subscription_wallet(poor)
    posting.post(wallet_id=other.pk, kind=EntryKind.GRANT, amount=1_000, reference="a month")
    refused, paid = poor.call(1), books.call(300)

    outcomes = apply(refused.hold(), refused.settle(1), paid.hold(), paid.settle(120))

    assert outcomes[:2] == [
        HoldResult(HoldDecision.OUT_OF_CREDITS, 0, 0),
        SettleResult(0, 1, 0, 0, None),
    ]
    other.refresh_from_db()
    assert (other.posted, other.held, other.seq) == (1_000, 0, 1)


def test_a_workspace_that_has_only_a_subscription_makes_no_hold(db: None) -> None:
    person = User.objects.create_user("subscriber@example.com")
    workspace = give_personal_workspace(person)
    wallet = wallets.wallet_of(workspace, pool=Pool.SUBSCRIPTION)
    posting.post(wallet_id=wallet.pk, kind=EntryKind.GRANT, amount=1_000, reference="a month")

    assert apply(TestCall(workspace.pk, 1).hold()) == [HoldResult(HoldDecision.NO_WALLET, 0, 0)]


def test_a_frozen_wallet_makes_no_new_hold_and_ends_the_old_ones(books: Books) -> None:
    running = books.call(300)
    apply(running.hold())
    books.freeze()

    assert decisions(apply(books.call(1).hold())) == [HoldDecision.FROZEN]
    assert apply(running.settle(120)) == [SettleResult(120, 0, 880, 0, 880)]


def test_a_valid_key_makes_a_hold(books: Books) -> None:
    assert decisions(apply(books.call(300, key_id=books.mint().pk).hold())) == [
        HoldDecision.ADMITTED
    ]


def test_a_revoked_key_holds_nothing(books: Books) -> None:
    key = books.mint()
    key_services.revoke(key=key)

    assert decisions(apply(books.call(300, key_id=key.pk).hold())) == [HoldDecision.KEY_UNUSABLE]
    assert numbers(books) == (1_000, 0)


def test_an_expired_key_holds_nothing(books: Books) -> None:
    now = datetime.now(UTC)
    expired = books.mint(expires_at=now - timedelta(hours=1))
    valid = books.mint(expires_at=now + timedelta(hours=1))

    assert decisions(apply(books.call(1, key_id=expired.pk).hold())) == [HoldDecision.KEY_UNUSABLE]
    assert decisions(apply(books.call(1, key_id=valid.pk).hold())) == [HoldDecision.ADMITTED]


def test_an_unknown_key_holds_nothing(books: Books) -> None:
    assert decisions(apply(books.call(300, key_id=999_999_999).hold())) == [
        HoldDecision.KEY_UNUSABLE
    ]


def test_the_hours_of_records_are_marked_for_the_roll_up(books: Books) -> None:
    calls = [books.call(100, accepted_at=NOON + timedelta(minutes=at)) for at in (5, 59, 60)]
    apply(*(call.hold() for call in calls), *(call.settle(5) for call in calls))

    marks = DirtyHour.objects.filter(workspace=books.workspace).order_by("starts_at")
    assert [mark.starts_at for mark in marks] == [NOON, NOON + timedelta(hours=1)]
