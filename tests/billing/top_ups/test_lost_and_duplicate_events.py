"""Duplicates, lost events, killed handlers, many at once: each payment is credited once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from billing.ledger import wallets
from billing.models import StripeEvent, TopUp, TopUpState, Wallet
from billing.stripe import convergence, inbox, reconciliation
from billing.stripe.reconciliation import RECENT
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.shop import (
    Buyer,
    Entry,
    at_once,
    database_url,
    deliver,
    entries_of,
    new_buyer,
    paid,
    pay,
    process_due_events,
    session_of,
)
from tests.support.waiting import eventually


def test_ten_convergences_at_once_credit_once(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()
    pay(sandbox, top_up)

    at_once(lambda _: convergence.converge(top_up_id=top_up.pk), "0123456789", threads=10)

    assert entries_of(buyer.wallet) == [Entry("top_up", 2_000_000)]


def test_an_event_that_is_delivered_ten_times_is_processed_once(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    sandbox.set_faults(copies_min=10, copies_max=10, concurrency=10)
    pay(sandbox, buyer.start())

    sandbox.wait_until_delivered()
    completed = StripeEvent.objects.get(type="checkout.session.completed")
    at_once(lambda event_id: inbox.process(event_id=event_id), [completed.pk] * 10, threads=10)

    completed.refresh_from_db()
    assert completed.attempts == 1
    assert entries_of(buyer.wallet) == [Entry("top_up", 2_000_000)]


def test_a_refund_whose_event_comes_before_the_payments_is_right(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    sandbox.set_faults(hold=True)
    top_up = buyer.start()
    pay(sandbox, top_up)
    sandbox.refund(session_of(top_up), 500)
    refunds_first = [
        one["event_id"] for one in sandbox.deliveries() if "refund" in one["event_type"]
    ]

    sandbox.release(order=refunds_first)
    deliver(sandbox)

    assert entries_of(buyer.wallet) == [Entry("top_up", 2_000_000), Entry("refund", -500_000)]


def test_a_payment_without_any_event_is_healed(buyer: Buyer, sandbox: Sandbox) -> None:
    sandbox.set_faults(drop_types=["*"], unlisted=True)
    top_up = buyer.start()
    pay(sandbox, top_up)

    reconciliation.converge_open()

    top_up.refresh_from_db()
    assert (top_up.state, buyer.wallet.posted) == (TopUpState.PAID, 2_000_000)


def test_a_refund_without_any_event_is_healed_at_night(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    sandbox.set_faults(drop_types=["*"])
    sandbox.refund(session_of(top_up), 500)
    dispute = sandbox.open_dispute(session_of(top_up), 300)

    reconciliation.converge_recent(since=timezone.now() - RECENT)
    assert buyer.wallet.posted == 1_200_000

    sandbox.close_dispute(dispute["id"], "won")
    reconciliation.converge_recent(since=timezone.now() - RECENT)
    assert buyer.wallet.posted == 1_500_000


def test_a_session_that_was_not_saved_before_a_crash_is_found_by_its_reference(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = buyer.start()
    session = session_of(top_up)
    TopUp.objects.update(stripe_session_id=None)

    sandbox.pay(session)
    deliver(sandbox)

    top_up.refresh_from_db()
    assert (top_up.state, top_up.stripe_session_id) == (TopUpState.PAID, session)


def test_a_handler_that_is_killed_leaves_the_event_for_another(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    """It has Stripe's response, and is killed while it waits for the wallet's lock."""
    top_up = buyer.start()
    pay(sandbox, top_up)
    sandbox.wait_until_delivered()
    completed = StripeEvent.objects.get(type="checkout.session.completed")

    with transaction.atomic():
        wallets.locked(Wallet.objects.filter(pk=top_up.wallet_id))
        with handler(completed.pk) as process:
            eventually(a_session_waits_for_a_lock, what="the handler's posting")
            process.kill()

    completed.refresh_from_db()
    assert (completed.attempts, completed.processed_at) == (1, None)
    assert entries_of(buyer.wallet) == []

    StripeEvent.objects.update(due_at=timezone.now())  # half a minute has passed
    process_due_events()
    completed.refresh_from_db()
    assert completed.processed_at is not None
    assert entries_of(buyer.wallet) == [Entry("top_up", 2_000_000)]


def test_an_event_that_is_claimed_is_left_alone(buyer: Buyer, sandbox: Sandbox) -> None:
    pay(sandbox, buyer.start())
    sandbox.wait_until_delivered()
    StripeEvent.objects.update(attempts=1, due_at=timezone.now() + timedelta(hours=1))

    process_due_events()

    assert not StripeEvent.objects.exclude(processed_at=None).exists()


def test_a_crowd_of_payments_with_duplicates_disorder_and_loss(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    """`bin/bench stripe` does the same with a thousand."""
    buyers = [new_buyer() for _ in range(20)]
    top_ups = [one.start(dollars=5 + number) for number, one in enumerate(buyers)]
    sandbox.set_faults(
        seed=3, copies_max=10, shuffle_within_s=0.3, drop_probability=0.2, concurrency=8
    )

    at_once(sandbox.pay, [session_of(one) for one in top_ups])
    sandbox.wait_until_delivered()
    at_once(lambda event_id: inbox.process(event_id=event_id), inbox.due())
    lost = TopUp.objects.exclude(state=TopUpState.PAID).count()
    reconciliation.converge_open()

    assert 0 < lost < 20
    for number, one in enumerate(buyers):
        assert entries_of(one.wallet) == [Entry("top_up", (5 + number) * 100_000)]
    assert reconciliation.compare(since=timezone.now() - RECENT, grace=timedelta(0)).is_ok


@contextmanager
def handler(event_id: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that processes one event."""
    code = (
        "import django; django.setup()\n"
        "from billing.stripe import inbox\n"
        f"inbox.process(event_id={event_id!r})"
    )
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "caicaini_portal.settings",
        "DATABASE_URL": database_url(),
        "STRIPE_SECRET_KEY": settings.STRIPE_SECRET_KEY,
        "STRIPE_API_BASE": settings.STRIPE_API_BASE,
    }
    process = subprocess.Popen([sys.executable, "-c", code], cwd=settings.BASE_DIR, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def a_session_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        # Without this, our transaction would see its first snapshot again.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None
