"""The time from a payment to its credits: one person pays, without other load."""

import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.stripe import worker
from benchmarks.stripe.figures import quantiles
from billing.models import TopUp
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.shop import new_buyer, pay
from tests.support.waiting import eventually

_LIMIT_S = 1.0
_QUEUE_WINDOW_S = 600


def run(sandbox: Sandbox, *, env: Mapping[str, str], logs: Path, count: int) -> int:
    """Pay `count` times, through webhook and worker alone; return 1 if a p99 is above a second."""
    sandbox.set_faults()
    buyer = new_buyer()
    with worker.running(env=env, logs=logs, may_kill=lambda: False):
        # The first payment waits behind the tasks that earlier parts left in the worker's queue.
        _lands_after(sandbox, buyer.start(dollars=5), within_s=_QUEUE_WINDOW_S)
        times = [_lands_after(sandbox, buyer.start(dollars=5)) for _ in range(count)]
    print(f"landing: credits are posted {quantiles(times)} after the payment", flush=True)
    return int(sorted(times)[int(len(times) * 0.99)] > _LIMIT_S)


def _lands_after(sandbox: Sandbox, top_up: TopUp, *, within_s: float = 30) -> float:
    credited = TopUp.objects.filter(pk=top_up.pk, credited=top_up.credits)
    started = time.perf_counter()
    pay(sandbox, top_up)
    eventually(credited.exists, within_s=within_s, what="the credits")
    return time.perf_counter() - started
