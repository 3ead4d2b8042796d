"""What can happen to a paid payment afterwards: refunds and disputes in every order.

A story is a sequence of steps at Stripe; many are told side by side, step by step. A seed decides
which of the events that have arrived by then our worker gets to work off, and in which order. The
benchmark tells longer stories.
"""

import itertools
import random
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from billing.models import TopUp
from billing.stripe import inbox
from billing.stripe.client import client
from stripe_sandbox.client import Sandbox, SandboxRefused
from tests.billing.top_ups.shop import (
    Buyer,
    at_once,
    deliver,
    new_buyer,
    pay,
    session_of,
)

Story = tuple[str, ...]
_HEARD_AT_ONCE = 0.4


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


class Ending(NamedTuple):
    """How our books end, and how they should."""

    story: Story
    spent: int
    ours: Books
    right: Books


def stories(sandbox: Sandbox, *, longest: int) -> list[Story]:
    """Every story that Stripe allows, shorter ones first."""
    told: list[Story] = []
    newest: list[Story] = [()]
    for _ in range(longest):
        newest = [(*story, step) for story in newest for step in _next_steps(sandbox, story)]
        told += newest
    return told


def _next_steps(sandbox: Sandbox, story: Story) -> list[str]:
    """Try which steps can follow, on payments that are none of ours.

    A step that is refused changes nothing: only after one that was taken the story begins anew.
    """
    possible, payment = [], None
    for name, step in _STEPS.items():
        payment = payment or _somewhere_else(sandbox, story)
        try:
            step(payment)
        except SandboxRefused:
            continue
        possible.append(name)
        payment = None
    return possible


def _somewhere_else(sandbox: Sandbox, story: Story) -> Payment:
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
    for step in story:
        _STEPS[step](payment)
    return payment


class _Telling(NamedTuple):
    """A story that is happening to somebody, who had spent some of the credits."""

    story: Story
    spent: int
    buyer: Buyer
    top_up: TopUp
    payment: Payment

    def ending(self) -> Ending:
        self.top_up.refresh_from_db()
        wallet = self.buyer.wallet
        ours = Books(wallet.posted, wallet.owed, self.top_up.refunded, self.top_up.disputed)
        return Ending(self.story, self.spent, ours, _right(self.top_up, self.spent))


def tell(sandbox: Sandbox, told: Iterable[tuple[Story, int]], *, seed: int) -> list[Ending]:
    """Let the stories happen side by side, each to somebody who has spent so many credits."""
    dice = random.Random(seed)
    tellings = [_begin(sandbox, story, spent) for story, spent in told]
    deliver(sandbox)
    for telling in tellings:
        if telling.spent:
            telling.buyer.spend(telling.spent)
    for steps in itertools.zip_longest(*(telling.story for telling in tellings)):
        for telling, step in zip(tellings, steps, strict=True):
            if step:
                _STEPS[step](telling.payment)
        sandbox.wait_until_delivered()
        _work_off(event_id for event_id in _shuffled(dice) if dice.random() < _HEARD_AT_ONCE)
    while waiting := _shuffled(dice):
        _work_off(waiting)
    return [telling.ending() for telling in tellings]


def _begin(sandbox: Sandbox, story: Story, spent: int) -> _Telling:
    buyer = new_buyer()
    top_up = buyer.start()
    pay(sandbox, top_up)
    return _Telling(story, spent, buyer, top_up, Payment(sandbox, session_of(top_up)))


def _shuffled(dice: random.Random) -> list[str]:
    waiting = inbox.due()
    dice.shuffle(waiting)
    return waiting


def _work_off(event_ids: Iterable[str]) -> None:
    """Do so at several places at once, as workers would: also two events of one story."""
    at_once(lambda event_id: inbox.work_off(event_id=event_id), event_ids, threads=4)


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
