"""Stories of a paid payment: refunds and disputes in every order that Stripe allows.

A story is a sequence of steps at Stripe; many run side by side, step by step. A seed decides which
of the events received so far are processed, and in which order. The benchmark runs longer stories.
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
_PROCESSED_AT_ONCE = 0.4  # of the events that are due after a step


class Payment:
    """A paid session with its newest refund and dispute."""

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


class Totals(NamedTuple):
    """A wallet and its top-up after a story."""

    posted: int
    owed: int
    refunded: int
    disputed: int


class StoryResult(NamedTuple):
    """Our totals after a story, and those that follow from Stripe's objects."""

    story: Story
    spent: int
    actual: Totals
    expected: Totals


def possible_stories(sandbox: Sandbox, *, longest: int) -> list[Story]:
    """Every story that Stripe allows, shorter ones first."""
    stories: list[Story] = []
    newest: list[Story] = [()]
    for _ in range(longest):
        newest = [(*story, step) for story in newest for step in _next_steps(sandbox, story)]
        stories += newest
    return stories


def _next_steps(sandbox: Sandbox, story: Story) -> list[str]:
    """Try every step after the story, on payments of another product.

    A refused step changes nothing: only after an accepted one a new payment is needed.
    """
    possible, payment = [], None
    for name, step in _STEPS.items():
        payment = payment or _foreign_payment(sandbox, story)
        try:
            step(payment)
        except SandboxRefused:
            continue
        possible.append(name)
        payment = None
    return possible


def _foreign_payment(sandbox: Sandbox, story: Story) -> Payment:
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


class _Run(NamedTuple):
    """A story's run, for a buyer who had spent some of the credits."""

    story: Story
    spent: int
    buyer: Buyer
    top_up: TopUp
    payment: Payment

    def result(self) -> StoryResult:
        self.top_up.refresh_from_db()
        wallet = self.buyer.wallet
        actual = Totals(wallet.posted, wallet.owed, self.top_up.refunded, self.top_up.disputed)
        return StoryResult(self.story, self.spent, actual, _expected(self.top_up, self.spent))


def run_stories(
    sandbox: Sandbox, stories: Iterable[tuple[Story, int]], *, seed: int
) -> list[StoryResult]:
    """Run the stories side by side, each for a buyer who has spent the given credits."""
    dice = random.Random(seed)
    runs = [_begin(sandbox, story, spent) for story, spent in stories]
    deliver(sandbox)
    for run in runs:
        if run.spent:
            run.buyer.spend(run.spent)
    for steps in itertools.zip_longest(*(run.story for run in runs)):
        for run, step in zip(runs, steps, strict=True):
            if step:
                _STEPS[step](run.payment)
        sandbox.wait_until_delivered()
        _process(event_id for event_id in _shuffled(dice) if dice.random() < _PROCESSED_AT_ONCE)
    while due := _shuffled(dice):
        _process(due)
    return [run.result() for run in runs]


def _begin(sandbox: Sandbox, story: Story, spent: int) -> _Run:
    buyer = new_buyer()
    top_up = buyer.start()
    pay(sandbox, top_up)
    return _Run(story, spent, buyer, top_up, Payment(sandbox, session_of(top_up)))


def _shuffled(dice: random.Random) -> list[str]:
    due = inbox.due()
    dice.shuffle(due)
    return due


def _process(event_ids: Iterable[str]) -> None:
    """Process events in several threads, as workers would: also two events of one story."""
    at_once(lambda event_id: inbox.process(event_id=event_id), event_ids, threads=4)


def _expected(top_up: TopUp, spent: int) -> Totals:
    """Computed from Stripe's final objects alone, in cents and without our code."""
    intent = str(top_up.stripe_payment_intent_id)
    refunds = client().v1.refunds.list({"payment_intent": intent}).data
    disputes = client().v1.disputes.list({"payment_intent": intent}).data
    refunded = sum(one.amount for one in refunds if one.status != "failed")
    disputed = sum(
        one.amount for one in disputes if sum(move.amount for move in one.balance_transactions)
    )
    disputed = min(disputed, 2_000 - refunded)
    left = (2_000 - refunded - disputed) * 1_000 - spent
    return Totals(max(left, 0), max(-left, 0), refunded * 1_000, disputed * 1_000)
