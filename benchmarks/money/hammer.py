"""One process that works on the ledger as hard as it can.

`python -m benchmarks.money.hammer ORDER` takes and prints JSON (orders.py). A fifth of the traffic
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

from benchmarks.money.orders import Order, Purse, Told
from billing.errors import NotEnoughCredits
from billing.ledger import posting
from billing.models import EntryKind, TopUp, TopUpState
from billing.stripe import convergence
from billing.stripe.payments import Outcome
from billing.stripe.payments import Verdict as Stripes
from gateway.metering.operations import HoldDecision
from gateway.metering.pending import LedgerUnreachable
from gateway.metering.process_ledger import ProcessLedger
from tests.support.books import TestCall

_HOT_SHARE = 0.2
_PORTAL_SHARE = 0.06  # of the steps: what is not done by a gateway
_DEAREST = 100


class _Hammer:
    """The clients of one process."""

    def __init__(self, order: Order, meter: ProcessLedger) -> None:
        self._order = order
        self._writer = meter.writer
        self._random = random.Random(order.seed)
        self._portal = ThreadPoolExecutor(2)
        self._left = order.operations
        self._until = time.monotonic() + order.seconds
        self.told = Told()

    async def run(self) -> None:
        """Work until there is nothing left to do."""
        began = time.monotonic()
        await asyncio.gather(*(self._client() for _ in range(self._order.clients)))
        self.told.seconds = time.monotonic() - began

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

    def _count(self, what: str) -> None:
        self._left -= 1
        self.told.count(what)

    # --- A call's life --------------------------------------------------------------------------

    async def _make_call(self, purse: Purse) -> None:
        call = TestCall(purse.workspace_id, self._random.randint(0, _DEAREST))
        verdict = await self._reserve(call)
        if verdict is HoldDecision.ADMITTED:
            await self._end(purse, call)

    async def _reserve(self, call: TestCall) -> HoldDecision | None:
        began = time.monotonic()
        try:
            verdict = (await self._writer.hold(call.hold())).decision
        except LedgerUnreachable:
            self.told.count("refused while away")
            await asyncio.sleep(0.01)
            return None
        self.told.reserve_ms.append((time.monotonic() - began) * 1000)
        self._count(f"reserve: {verdict}")
        return verdict

    async def _end(self, purse: Purse, call: TestCall) -> None:
        fate = self._random.random()
        if fate < 0.05:
            self._writer.void(call.void_hold())
            self._count("void_hold")
        elif fate < 0.2:
            await self._writer.settle(call.void())
            self._count("void")
        else:
            await self._settle(purse, call)

    async def _settle(self, purse: Purse, call: TestCall) -> None:
        """Settle; sometimes for more than is held, sometimes twice."""
        close = call.settle(self._random.randint(0, call.amount + call.amount // 8))
        first = await self._writer.settle(close)
        self._count("settle")
        self.told.move(purse.wallet_id, -first.charged)
        self.told.settled[purse.wallet_id] = self.told.settled.get(purse.wallet_id, 0) + 1
        if self._random.random() < 0.02:
            second = await self._writer.settle(close)
            assert second[:2] == first[:2], "a second settlement is the first"
            self._count("settle again")

    # --- What the portal does -------------------------------------------------------------------

    async def _work_in_portal(self, purse: Purse) -> None:
        act, amount = self._random.choice(
            [(_top_up, 3_000), (_top_up, 3_000), (_refund, 2_500), (_dispute, 2_500), (_adjust, 50)]
        )
        credits = self._random.randint(1, amount)
        what, net = await self._in_portal(act, purse.wallet_id, credits)
        self._count(what)
        self.told.move(purse.wallet_id, net)

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
        convergence.post_difference(top_up, Stripes(Outcome.PAID, credited=credits))
    return "top-up", credits


def _refund(wallet_id: int, credits: int) -> tuple[str, int]:
    return "refund", -_take_back(wallet_id, refunded=credits)


def _dispute(wallet_id: int, credits: int) -> tuple[str, int]:
    return "dispute", -_take_back(wallet_id, disputed=credits)


def _take_back(wallet_id: int, *, refunded: int = 0, disputed: int = 0) -> int:
    """Take back from the newest top-up that is not being taken from; return how much."""
    left = F("credited") - F("refunded") - F("disputed")
    paid = TopUp.objects.select_for_update(skip_locked=True).filter(wallet_id=wallet_id)
    with transaction.atomic():
        top_up = paid.alias(left=left).filter(left__gte=refunded + disputed).first()
        if top_up is None:
            return 0
        verdict = Stripes(
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


def main(order: Order) -> Told:
    """Do what is ordered."""
    try:
        return asyncio.run(_hammer(order))
    finally:
        close_old_connections()


async def _hammer(order: Order) -> Told:
    meter = ProcessLedger(conninfo=settings.DATABASE_URL, journals=Path(order.journals))
    await meter.start()
    hammer = _Hammer(order, meter)
    try:
        await hammer.run()
    finally:
        await meter.stop()
    return hammer.told


if __name__ == "__main__":
    said = main(msgspec.json.decode(sys.argv[1], type=Order))
    sys.stdout.buffer.write(msgspec.json.encode(said))
