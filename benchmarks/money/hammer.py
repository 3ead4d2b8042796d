"""One process that loads the ledger as hard as it can.

`python -m benchmarks.money.hammer ORDER` reads and prints JSON (orders.py). A fifth of the traffic
goes to the first wallet.
"""

import asyncio
import random
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import F
from django.utils import timezone

from benchmarks.money.orders import Order, Purse, Results
from billing.errors import NotEnoughCredits
from billing.ledger import posting
from billing.models import EntryKind, TopUp, TopUpState
from billing.stripe import convergence
from billing.stripe.payments import Outcome
from billing.stripe.payments import Verdict as StripeVerdict
from gateway.metering.operations import HoldDecision
from gateway.metering.pending import LedgerUnreachable
from gateway.metering.process_ledger import ProcessLedger
from tests.support.books import TestCall

_HOT_SHARE = 0.2
_PORTAL_SHARE = 0.06  # of the steps, done by the portal and not by a gateway
_DEAREST = 100


class _Hammer:
    """The clients of one process."""

    def __init__(self, order: Order, ledger: ProcessLedger) -> None:
        self._order = order
        self._writer = ledger.writer
        self._random = random.Random(order.seed)
        self._portal = ThreadPoolExecutor(2)
        self._left = order.operations
        self._until = time.monotonic() + order.seconds
        self.results = Results()

    async def run(self) -> None:
        """Run all clients until the operations are done or the time is over."""
        began = time.monotonic()
        await asyncio.gather(*(self._client() for _ in range(self._order.clients)))
        self.results.seconds = time.monotonic() - began

    async def _client(self) -> None:
        while self._left > 0 and time.monotonic() < self._until:
            purse = self._pick()
            if self._random.random() < _PORTAL_SHARE:
                await self._work_in_portal(purse)
            else:
                await self._make_call(purse)

    def _pick(self) -> Purse:
        purses = self._order.purses
        return purses[0] if self._random.random() < _HOT_SHARE else self._random.choice(purses)

    def _count(self, name: str) -> None:
        self._left -= 1
        self.results.count(name)

    # --- A call's life --------------------------------------------------------------------------

    async def _make_call(self, purse: Purse) -> None:
        call = TestCall(purse.workspace_id, self._random.randint(0, _DEAREST))
        decision = await self._hold(call)
        if decision is HoldDecision.ADMITTED:
            await self._end(purse, call)

    async def _hold(self, call: TestCall) -> HoldDecision | None:
        began = time.monotonic()
        try:
            decision = (await self._writer.hold(call.hold())).decision
        except LedgerUnreachable:
            self.results.count("refused while unavailable")
            await asyncio.sleep(0.01)
            return None
        self.results.hold_ms.append((time.monotonic() - began) * 1000)
        self._count(f"hold: {decision}")
        return decision

    async def _end(self, purse: Purse, call: TestCall) -> None:
        draw = self._random.random()
        if draw < 0.05:
            self._writer.void(call.void_hold())
            self._count("void")
        elif draw < 0.2:
            await self._writer.settle(call.void())
            self._count("settle without charge")
        else:
            await self._settle(purse, call)

    async def _settle(self, purse: Purse, call: TestCall) -> None:
        """Settle; sometimes for more than is held, sometimes twice."""
        operation = call.settle(self._random.randint(0, call.amount + call.amount // 8))
        first = await self._writer.settle(operation)
        self._count("settle")
        self.results.move(purse.wallet_id, -first.charged)
        self.results.settled[purse.wallet_id] = self.results.settled.get(purse.wallet_id, 0) + 1
        if self._random.random() < 0.02:
            second = await self._writer.settle(operation)
            assert second[:2] == first[:2], "the second settlement has another charge"
            # None where one of the two came from the journal.
            balances = {first.balance_after, second.balance_after} - {None}
            assert len(balances) <= 1, "the second settlement has another balance"
            self._count("settle again")

    # --- What the portal does -------------------------------------------------------------------

    async def _work_in_portal(self, purse: Purse) -> None:
        act, amount = self._random.choice(
            [(_top_up, 3_000), (_top_up, 3_000), (_refund, 2_500), (_dispute, 2_500), (_adjust, 50)]
        )
        credits = self._random.randint(1, amount)
        name, net = await self._in_portal(act, purse.wallet_id, credits)
        self._count(name)
        self.results.move(purse.wallet_id, net)

    async def _in_portal(
        self, act: Callable[[int, int], tuple[str, int]], *arguments: Any
    ) -> tuple[str, int]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._portal, act, *arguments)


def _reference() -> str:
    return f"hammer:{uuid.uuid4()}"


def _top_up(wallet_id: int, credits: int) -> tuple[str, int]:
    with transaction.atomic():
        top_up = TopUp.objects.create(
            wallet_id=wallet_id,
            amount_cents=credits,
            credits=credits,
            state=TopUpState.PAID,
            converged_at=timezone.now(),
        )
        convergence.post_difference(top_up, StripeVerdict(Outcome.PAID, credited=credits))
    return "top-up", credits


def _refund(wallet_id: int, credits: int) -> tuple[str, int]:
    return "refund", -_take_back(wallet_id, refunded=credits)


def _dispute(wallet_id: int, credits: int) -> tuple[str, int]:
    return "dispute", -_take_back(wallet_id, disputed=credits)


def _take_back(wallet_id: int, *, refunded: int = 0, disputed: int = 0) -> int:
    """Take back from the newest top-up that is not locked; return how much."""
    left = F("credited") - F("refunded") - F("disputed")
    paid = TopUp.objects.select_for_update(skip_locked=True).filter(wallet_id=wallet_id)
    with transaction.atomic():
        top_up = paid.alias(left=left).filter(left__gte=refunded + disputed).first()
        if top_up is None:
            return 0
        verdict = StripeVerdict(
            Outcome.PAID,
            credited=top_up.credited,
            refunded=top_up.refunded + refunded,
            disputed=top_up.disputed + disputed,
        )
        convergence.post_difference(top_up, verdict)
    return refunded + disputed


def _adjust(wallet_id: int, credits: int) -> tuple[str, int]:
    try:
        posting.post(
            wallet_id=wallet_id,
            kind=EntryKind.ADJUSTMENT,
            amount=-credits,
            reference=_reference(),
        )
    except NotEnoughCredits:
        return "adjustment refused", 0
    return "adjustment", -credits


def main(order: Order) -> Results:
    """Carry out the order."""
    try:
        return asyncio.run(_hammer(order))
    finally:
        close_old_connections()


async def _hammer(order: Order) -> Results:
    ledger = ProcessLedger(conninfo=settings.DATABASE_URL, journals=Path(order.journals))
    await ledger.start()
    hammer = _Hammer(order, ledger)
    try:
        await hammer.run()
    finally:
        await ledger.stop()
    return hammer.results


if __name__ == "__main__":
    results = main(msgspec.json.decode(sys.argv[1], type=Order))
    sys.stdout.buffer.write(msgspec.json.encode(results))
