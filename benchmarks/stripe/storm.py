"""Payments whose events are duplicated, reordered and lost, while handlers are killed."""

import random
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from django.db import connection
from django.utils import timezone

from benchmarks.stripe import worker
from benchmarks.stripe.figures import quantiles
from billing.audit.report import audit
from billing.models import EntryKind, LedgerEntry, StripeEvent, TopUp, TopUpState
from billing.stripe import reconciliation, top_ups
from billing.stripe.reconciliation import RECENT
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.shop import Buyer, at_once, new_buyer, session_of

_AT_ONCE = 16
_PAYMENTS_EACH = 5
_TIMEOUT_S = 120


def run(sandbox: Sandbox, *, env: Mapping[str, str], logs: Path, count: int) -> int:
    """Return the number of broken promises."""
    started, since = time.monotonic(), timezone.now()
    bought = _buy(count)
    sandbox.set_faults(
        seed=count,
        copies_max=10,
        shuffle_within_s=5,
        drop_probability=0.05,
        concurrency=_AT_ONCE,
    )
    with worker.running(env=env, logs=logs, may_kill=_has_begun) as handlers:
        at_once(_pay(sandbox), [session_of(one) for one in bought], threads=_AT_ONCE)
        sandbox.wait_until_delivered(timeout_s=600)
        _wait_for_the_worker()
    late = TopUp.objects.filter(created_at__gte=since).exclude(state=TopUpState.PAID).count()
    reconciliation.converge_open()
    reconciliation.converge_recent(since=since)
    took_s = time.monotonic() - started
    _report(sandbox, count=count, late=late, kills=handlers.killed, took_s=took_s)
    return _broken(bought)


def _has_begun() -> bool:
    """Return whether an event has been processed: a worker killed while it starts does nothing."""
    try:
        return StripeEvent.objects.exclude(processed_at=None).exists()
    finally:
        connection.close()  # this is the killer's thread


def _buy(count: int) -> list[TopUp]:
    buyers = [new_buyer() for _ in range(-(-count // _PAYMENTS_EACH))]
    bought: list[TopUp] = []

    def go_to_the_page(number: str) -> None:
        buyer: Buyer = buyers[int(number) // _PAYMENTS_EACH]
        bought.append(buyer.start(dollars=5 + int(number) % 95))

    at_once(go_to_the_page, map(str, range(count)), threads=_AT_ONCE)
    return bought


def _pay(sandbox: Sandbox) -> Callable[[str], None]:
    """Pay; open the return page of some, and refund part of every fifth."""

    def pay(session: str) -> None:
        dice = random.Random(session)
        sandbox.pay(session)
        if dice.random() < 0.3:
            top_ups.refresh(top_up=TopUp.objects.get(stripe_session_id=session))
        if dice.random() < 0.2:
            sandbox.refund(session, 100)

    return pay


def _wait_for_the_worker() -> None:
    """Wait until every event was attempted; the reconciliation converges what kills left."""
    until = time.monotonic() + _TIMEOUT_S
    while StripeEvent.objects.filter(attempts=0).exists() and time.monotonic() < until:
        time.sleep(0.2)


def _report(sandbox: Sandbox, *, count: int, late: int, kills: int, took_s: float) -> None:
    deliveries = sandbox.status()["deliveries"]
    answered = [
        attempt["took_ms"] / 1000
        for one in sandbox.deliveries(state="delivered")
        for attempt in one["attempts"]
    ]
    print(
        f"storm: {count:,} payments, {deliveries['delivered']:,} deliveries accepted,"
        f" {deliveries['dropped']} events lost, {kills} handlers killed, {late} payments late"
        f" and healed by one reconciliation ({took_s:.0f} s)\n"
        f"  the webhook's response took {quantiles(answered)}\n"
        f"  from receiving an event to its credits: {quantiles(_times_to_credit())}",
        flush=True,
    )


def _times_to_credit() -> list[float]:
    """Seconds from receiving a payment's event to its credits; 0 where the credits came first."""
    arrived = {
        event.object_id: event.received_at
        for event in StripeEvent.objects.filter(type="checkout.session.completed")
    }
    sessions = {str(one.pk): one.stripe_session_id for one in TopUp.objects.all()}
    times = []
    for entry in LedgerEntry.objects.filter(kind=EntryKind.TOP_UP):
        at = arrived.get(str(sessions.get(entry.reference.partition(":")[0])))
        if at:
            times.append(max(0.0, (entry.created_at - at).total_seconds()))
    return times


def _broken(bought: list[TopUp]) -> int:
    """Check that each payment was credited once, and that the ledger agrees with Stripe."""
    wrong = 0
    for top_up in bought:
        entries = LedgerEntry.objects.filter(
            wallet_id=top_up.wallet_id, reference__startswith=f"{top_up.id}:"
        )
        credited = [entry.amount for entry in entries if entry.kind == EntryKind.TOP_UP]
        if credited != [top_up.credits]:
            wrong += 1
            print(f"  WRONG: top-up {top_up.id} was credited {credited}", flush=True)
    comparison = reconciliation.compare(since=timezone.now() - RECENT, grace=timedelta(0))
    for difference in comparison.differences:
        print(f"  WRONG: {difference}", flush=True)
    findings = audit().findings
    print(
        f"  {len(bought) - wrong:,} credited once, {wrong} otherwise;"
        f" {len(comparison.differences)} differences from Stripe; {len(findings)} audit findings",
        flush=True,
    )
    return wrong + len(comparison.differences) + len(findings)
