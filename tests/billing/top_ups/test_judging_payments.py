"""`judge`: the verdict on a top-up for every state of Stripe's objects."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.stripe.payments import Expected, Outcome, Payment, Verdict, judge

OURS = UUID("5a3c1a54-0c5f-4f2e-9d8e-0b6a54f0a7f1")
EXPECTED = Expected(
    top_up_id=OURS,
    amount_cents=2_000,
    currency="usd",
    credits=2_000_000,
    customer_id="cus_1",
    is_live=True,
    credited=0,
)
PAID = Payment(
    session_id="cs_1",
    status="complete",
    payment_status="paid",
    client_reference_id=str(OURS),
    customer_id="cus_1",
    currency="usd",
    is_live=True,
    is_marked=True,
    subtotal_cents=2_000,
    total_cents=2_000,
    intent_id="pi_1",
    intent_status="succeeded",
    intent_currency="usd",
    received_cents=2_000,
)
OPEN = replace(
    PAID,
    status="open",
    payment_status="unpaid",
    intent_id=None,
    intent_status=None,
    intent_currency=None,
    received_cents=0,
)


def judged(payment: Payment, **changes: Any) -> Verdict:
    return judge(EXPECTED, replace(payment, **changes))


def test_paid_is_credited() -> None:
    assert judged(PAID) == Verdict(Outcome.PAID, credited=2_000_000)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Outcome.PENDING),
        ({"intent_status": "requires_payment_method"}, Outcome.PENDING),
        ({"intent_status": "requires_action"}, Outcome.PENDING),
        ({"status": "complete", "intent_status": "processing"}, Outcome.PROCESSING),
        # The payment can succeed before the session is marked paid: never a failure.
        ({"status": "complete", "intent_status": "succeeded"}, Outcome.PROCESSING),
        ({"status": "complete", "intent_status": "requires_payment_method"}, Outcome.FAILED),
        ({"status": "complete", "intent_status": "canceled"}, Outcome.FAILED),
        ({"status": "expired"}, Outcome.EXPIRED),
        ({"status": "expired", "intent_status": "canceled"}, Outcome.EXPIRED),
    ],
)
def test_unpaid_is_not_credited(changes: dict[str, Any], outcome: Outcome) -> None:
    assert judged(OPEN, **changes) == Verdict(outcome)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_reference_id": None},
        {"client_reference_id": "5a3c1a54-0c5f-4f2e-9d8e-0b6a54f0a7f2"},
        {"is_live": False},
        {"currency": "eur"},
        {"currency": None},
        {"subtotal_cents": 1_999},
        {"subtotal_cents": 200_000},
        {"subtotal_cents": None},
        {"customer_id": "cus_2"},
        {"customer_id": None},
        {"payment_status": "no_payment_required"},
        {"intent_status": "processing"},
        {"intent_status": None},
        {"intent_currency": "jpy"},
        {"received_cents": 1_999},
        {"received_cents": 0},
        {"total_cents": 1_000, "received_cents": 1_000},
        {"total_cents": None},
    ],
)
def test_any_mismatch_needs_review_and_moves_nothing(changes: dict[str, Any]) -> None:
    verdict = judged(PAID, **changes)

    assert verdict.outcome is Outcome.NEEDS_REVIEW
    assert verdict.review_reason
    assert (verdict.credited, verdict.refunded, verdict.disputed) == (0, 0, 0)


def test_what_was_credited_and_is_paid_no_more_needs_review() -> None:
    assert judge(replace(EXPECTED, credited=2_000_000), OPEN).outcome is Outcome.NEEDS_REVIEW


cents = st.integers(0, 5_000)


@given(tax=st.integers(0, 1_000), refunded=cents, disputed=cents)
def test_what_is_taken_back_is_a_fair_part_and_never_more_than_was_credited(
    tax: int, refunded: int, disputed: int
) -> None:
    total = 2_000 + tax
    verdict = judged(
        PAID,
        total_cents=total,
        received_cents=total,
        refunded_cents=refunded,
        disputed_cents=disputed,
    )

    taken = verdict.refunded + verdict.disputed
    gone = min(refunded + disputed, total)
    assert verdict.credited == 2_000_000
    assert min(verdict.refunded, verdict.disputed) >= 0
    assert 0 <= gone * 2_000_000 / total - taken < 1
    assert (taken == 2_000_000) == (gone == total)


@given(tax=st.integers(0, 1_000), parts=st.lists(st.integers(1, 700), max_size=8))
def test_parts_add_up_to_what_one_refund_takes(tax: int, parts: list[int]) -> None:
    total = 2_000 + tax
    whole = {"total_cents": total, "received_cents": total}

    so_far = [
        judged(PAID, **whole, refunded_cents=sum(parts[: count + 1])).refunded
        for count in range(len(parts))
    ]

    assert so_far == sorted(so_far)
    assert judged(PAID, **whole, refunded_cents=sum(parts)).refunded == (so_far or [0])[-1]
