"""What Stripe's objects say about a payment, and what that means for its top-up.

No Django, no I/O, no clock: `judge` is a function of Stripe's present objects alone. That is why
the order of events, duplicates and lost events do not matter.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from billing.amounts import share


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What our row says was sold."""

    top_up_id: UUID
    amount_cents: int
    currency: str
    credits: int
    customer_id: str
    is_live: bool
    credited: int


@dataclass(frozen=True, kw_only=True)
class Payment:
    """A Checkout Session with all that hangs on it. Amounts are cents; `total` includes tax.

    `is_marked`: this product opened the session, whatever it was for. `changed_at`: when money last
    moved.
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
    """Where the payment stands; each name is a `TopUpState`."""

    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    PARKED = "parked"


@dataclass(frozen=True)
class Verdict:
    """What the ledger should have been told, in credits. A parked top-up moves nothing."""

    outcome: Outcome
    credited: int = 0
    refunded: int = 0
    disputed: int = 0
    parked_because: str = ""


def judge(expected: Expected, payment: Payment) -> Verdict:
    """Compare what was sold with what Stripe has, and return what our books should say.

    Nothing in the objects is believed without its counterpart in our row; where they differ, a
    person has to look.
    """
    mismatch = _mismatch(expected, payment)
    if mismatch:
        return Verdict(Outcome.PARKED, parked_because=mismatch)
    if payment.payment_status != "paid":
        return _unpaid(expected, payment)
    shortfall = _shortfall(expected, payment)
    if shortfall:
        return Verdict(Outcome.PARKED, parked_because=shortfall)
    return _paid(expected, payment)


def _mismatch(expected: Expected, payment: Payment) -> str:
    """Return the first difference between the session and our row, as words; "" for none."""
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
        return Verdict(Outcome.PARKED, parked_because="Stripe no longer calls this payment paid")
    if payment.payment_status != "unpaid":
        return Verdict(
            Outcome.PARKED, parked_because=f"the payment status is {payment.payment_status}"
        )
    if payment.status == "expired":
        return Verdict(Outcome.EXPIRED)
    if payment.status != "complete":
        return Verdict(Outcome.PENDING)
    # The page is done with. A bank that still works on it says "processing"; one that has refused
    # puts the intent back to where it wants another method, which no page will ask for any more.
    failed = payment.intent_status in ("requires_payment_method", "canceled")
    return Verdict(Outcome.FAILED if failed else Outcome.PROCESSING)


def _shortfall(expected: Expected, payment: Payment) -> str:
    """Return why a session that says "paid" has not brought the money it names; "" if it has."""
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
    """Refunds take their share first, disputes what is left of the rest of theirs.

    Together they take no more than was credited, also where a bank takes back what had been
    refunded before.
    """
    paid, credits = payment.received_cents, expected.credits
    refunded = share(credits, cents=payment.refunded_cents, of_cents=paid)
    gone = payment.refunded_cents + payment.disputed_cents
    disputed = share(credits, cents=gone, of_cents=paid) - refunded
    return Verdict(Outcome.PAID, credited=credits, refunded=refunded, disputed=disputed)
