"""Stripe's state of a payment, and the verdict on its top-up that follows from it.

No Django, no I/O, no clock: `judge` is a function of Stripe's current objects and our row alone.
That is why the order of events, duplicates and lost events do not matter.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from billing.amounts import share


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The purchase as our row has it."""

    top_up_id: UUID
    amount_cents: int
    currency: str
    credits: int
    customer_id: str
    is_live: bool
    credited: int


@dataclass(frozen=True, kw_only=True)
class Payment:
    """A Checkout Session with its payment. Amounts are cents; `total` includes tax.

    `is_marked`: this product created the session. `changed_at`: when money last moved.
    """

    session_id: str
    status: str | None
    payment_status: str
    client_reference_id: str | None
    customer_id: str | None
    currency: str | None
    is_live: bool
    is_marked: bool
    subtotal_cents: int | None
    total_cents: int | None
    intent_id: str | None = None
    intent_status: str | None = None
    intent_currency: str | None = None
    received_cents: int = 0
    refunded_cents: int = 0
    disputed_cents: int = 0
    receipt_url: str = ""
    changed_at: datetime | None = None


class Outcome(Enum):
    """The state of the payment; each value is a `TopUpState`."""

    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    NEEDS_REVIEW = "parked"


@dataclass(frozen=True)
class Verdict:
    """The totals that the ledger should have, in credits. One that needs review moves nothing."""

    outcome: Outcome
    credited: int = 0
    refunded: int = 0
    disputed: int = 0
    review_reason: str = ""


def judge(expected: Expected, payment: Payment) -> Verdict:
    """Compare the purchase with Stripe's payment, and return what the ledger should have.

    Every field of Stripe's is checked against our row; where they differ, the top-up needs review
    by a person.
    """
    mismatch = _mismatch(expected, payment)
    if mismatch:
        return Verdict(Outcome.NEEDS_REVIEW, review_reason=mismatch)
    if payment.payment_status != "paid":
        return _unpaid(expected, payment)
    shortfall = _shortfall(expected, payment)
    if shortfall:
        return Verdict(Outcome.NEEDS_REVIEW, review_reason=shortfall)
    return _paid(expected, payment)


def _mismatch(expected: Expected, payment: Payment) -> str:
    """Describe the first difference between the session and our row; "" for none."""
    pairs = {
        "the reference": (str(expected.top_up_id), payment.client_reference_id),
        "the mode": (_mode(expected.is_live), _mode(payment.is_live)),
        "the currency": (expected.currency, payment.currency),
        "the amount in cents": (expected.amount_cents, payment.subtotal_cents),
        "the customer": (expected.customer_id, payment.customer_id),
    }
    for name, (ours, theirs) in pairs.items():
        if ours != theirs:
            return f"{name} is {ours} here and {theirs} at Stripe"
    return ""


def _mode(is_live: bool) -> str:
    return "live" if is_live else "test"


def _unpaid(expected: Expected, payment: Payment) -> Verdict:
    if expected.credited:
        return Verdict(
            Outcome.NEEDS_REVIEW, review_reason="Stripe no longer calls this payment paid"
        )
    if payment.payment_status != "unpaid":
        return Verdict(
            Outcome.NEEDS_REVIEW, review_reason=f"the payment status is {payment.payment_status}"
        )
    if payment.status == "expired":
        return Verdict(Outcome.EXPIRED)
    if payment.status != "complete":
        return Verdict(Outcome.PENDING)
    # The page is complete. While the bank works on it the intent is "processing"; when the bank
    # refuses, the intent asks for another payment method, for which there is no page any more.
    failed = payment.intent_status in ("requires_payment_method", "canceled")
    return Verdict(Outcome.FAILED if failed else Outcome.PROCESSING)


def _shortfall(expected: Expected, payment: Payment) -> str:
    """Describe why a paid session has not brought the full amount; "" if it has."""
    if payment.intent_status != "succeeded":
        return f"the session is paid and its payment is {payment.intent_status}"
    if payment.intent_currency != expected.currency:
        return f"the payment is in {payment.intent_currency}"
    if payment.total_cents is None or payment.total_cents < expected.amount_cents:
        return f"the total of {payment.total_cents} cents is below the price"
    if payment.received_cents != payment.total_cents:
        return f"{payment.received_cents} of {payment.total_cents} cents were received"
    return ""


def _paid(expected: Expected, payment: Payment) -> Verdict:
    """Refunds take their share first, disputes theirs from the rest.

    Together they take no more than was credited, even if a bank takes back money that had been
    refunded before.
    """
    paid, credits = payment.received_cents, expected.credits
    refunded = share(credits, cents=payment.refunded_cents, of_cents=paid)
    gone = payment.refunded_cents + payment.disputed_cents
    disputed = share(credits, cents=gone, of_cents=paid) - refunded
    return Verdict(Outcome.PAID, credited=credits, refunded=refunded, disputed=disputed)
