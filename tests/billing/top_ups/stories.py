"""What can happen to a paid payment afterwards: refunds and disputes in every order.

A story is a sequence of steps at Stripe; a seed decides after which of them our worker gets to work
off what has arrived by then, and in which order. The benchmark tells longer stories.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from billing import inbox
from billing.models import TopUp
from billing.stripe_client import client
from stripe_sandbox.client import Sandbox, SandboxRefused
from tests.billing.top_ups.shop import new_buyer, paid, session_of

Story = tuple[str, ...]


class Payment:
    """A paid session, and the newest refund and dispute of it."""

    def __init__(self, sandbox: Sandbox, session: str) -> None:
        self.sandbox = sandbox
        self.session = session
        self._refund = self._dispute = ""

    def refund(self) -> None:
        self._refund = self.sandbox.refund(self.session, 700)["id"]

    def refund_slowly(self) -> None:
        self._refund = self.sandbox.refund(self.session, 300, outcome="pending")["id"]

    def fail_refund(self) -> None:
        self.sandbox.finish_refund(self._refund, "failed")

    def dispute(self) -> None:
        self._dispute = self.sandbox.open_dispute(self.session)["id"]

    def inquire(self) -> None:
        self._dispute = self.sandbox.open_dispute(self.session, 900, inquiry=True)["id"]

    def escalate(self) -> None:
        self.sandbox.escalate_dispute(self._dispute)

    def win(self) -> None:
        self.sandbox.close_dispute(self._dispute, "won")

    def lose(self) -> None:
        self.sandbox.close_dispute(self._dispute, "lost")


_STEPS: dict[str, Callable[[Payment], None]] = {
    step.__name__: step
    for step in (
        Payment.refund,
        Payment.refund_slowly,
        Payment.fail_refund,
        Payment.dispute,
        Payment.inquire,
        Payment.escalate,
        Payment.win,
        Payment.lose,
    )
}


class Books(NamedTuple):
    """How it ends."""

    posted: int
    owed: int
    refunded: int
    disputed: int


def stories(sandbox: Sandbox, *, longest: int) -> list[Story]:
    """Every story that Stripe allows, shorter ones first."""
    told: list[Story] = []
    newest: list[Story] = [()]
    for _ in range(longest):
        longer = [(*story, step) for story in newest for step in _STEPS]
        newest = [story for story in longer if _is_possible(sandbox, story)]
        told += newest
    return told


def _is_possible(sandbox: Sandbox, story: Story) -> bool:
    """Try it with a payment that is none of ours."""
    price = {"currency": "usd", "unit_amount": 2_000, "product_data": {"name": "Something else"}}
    session = client().v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "http://shop.localhost:9/",
            "line_items": [{"quantity": 1, "price_data": cast(Any, price)}],
        }
    )
    sandbox.pay(session.id)
    payment = Payment(sandbox, session.id)
    try:
        for step in story:
            _STEPS[step](payment)
    except SandboxRefused:
        return False
    return True


def tell(sandbox: Sandbox, story: Story, *, spent: int, seed: int) -> tuple[Books, Books]:
    """Let the story happen; return how our books end, and how they should."""
    dice = random.Random(seed)
    buyer = new_buyer()
    top_up = paid(buyer, sandbox)
    if spent:
        buyer.spend(spent)
    payment = Payment(sandbox, session_of(top_up))
    for step in story:
        _STEPS[step](payment)
        if dice.random() < 0.5:
            sandbox.wait_until_delivered()
            _work_off_some(dice, share=0.7)
    sandbox.wait_until_delivered()
    _work_off_some(dice, share=1.0)
    top_up.refresh_from_db()
    ours = Books(buyer.wallet.posted, buyer.wallet.owed, top_up.refunded, top_up.disputed)
    return ours, _right(top_up, spent)


def _work_off_some(dice: random.Random, *, share: float) -> None:
    waiting = inbox.due()
    dice.shuffle(waiting)
    for event_id in waiting:
        if dice.random() < share:
            inbox.work_off(event_id=event_id)


def _right(top_up: TopUp, spent: int) -> Books:
    """Worked out from Stripe's final objects alone, in cents and without our code."""
    intent = str(top_up.stripe_payment_intent_id)
    refunds = client().v1.refunds.list({"payment_intent": intent}).data
    disputes = client().v1.disputes.list({"payment_intent": intent}).data
    refunded = sum(one.amount for one in refunds if one.status != "failed")
    disputed = sum(
        one.amount for one in disputes if sum(move.amount for move in one.balance_transactions)
    )
    disputed = min(disputed, 2_000 - refunded)
    left = (2_000 - refunded - disputed) * 1_000 - spent
    return Books(max(left, 0), max(-left, 0), refunded * 1_000, disputed * 1_000)
