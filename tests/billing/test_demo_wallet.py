"""The demo wallet is filled once a day, and a day's runs never cost more than the setting."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pytest_django import Settings

from accounts.models import Membership, Workspace
from billing import tasks
from billing.audit.report import audit
from billing.ledger import demo, posting, wallets
from billing.models import DemoWallet, EntryKind, LedgerEntry, Wallet
from gateway.metering import blocking_apply
from gateway.metering.operations import Operation
from tests.support.books import TestCall, database_url, open_books

OWNER = 7
RULE = "a demo entry is the demo wallet's and names its day"


def the_wallet() -> Wallet:
    found = demo.wallet()
    assert found is not None
    return found


def demo_entries() -> list[int]:
    entries = LedgerEntry.objects.filter(kind=EntryKind.DEMO).order_by("seq")
    return [entry.amount for entry in entries]


def next_day(credits: int) -> None:
    """Fill the wallet as tomorrow's beat will."""
    with transaction.atomic():
        [locked] = wallets.locked(Wallet.objects.filter(pk=the_wallet().pk))
        last = LedgerEntry.objects.filter(wallet=locked, kind=EntryKind.DEMO).latest("seq")
        day = date.fromisoformat(last.reference) + timedelta(days=1)
        demo.fill_locked(locked, credits=credits, day=day)


def spend(credits: int) -> None:
    posting.post(
        wallet_id=the_wallet().pk,
        kind=EntryKind.ADJUSTMENT,
        amount=-credits,
        reference=uuid.uuid4().hex,
    )


def test_the_first_beat_of_a_day_fills_the_wallet_and_the_others_do_nothing(
    transactional_db: None,
) -> None:
    demo.fill(credits=1_000)
    spend(300)

    demo.fill(credits=1_000)
    demo.fill(credits=5_000)

    assert the_wallet().posted == 700
    assert demo_entries() == [1_000]
    assert audit().findings == []


def test_a_full_wallet_is_not_filled_later_in_the_day_either(db: None) -> None:
    demo.fill(credits=1_000)
    next_day(1_000)
    spend(400)

    with transaction.atomic():
        [locked] = wallets.locked(Wallet.objects.filter(pk=the_wallet().pk))
        tomorrow = LedgerEntry.objects.filter(wallet=locked, kind=EntryKind.DEMO).latest("seq")
        demo.fill_locked(locked, credits=1_000, day=date.fromisoformat(tomorrow.reference))

    assert the_wallet().posted == 600
    assert demo_entries() == [1_000, 0]


def test_what_is_left_is_kept_and_not_added_to(db: None) -> None:
    demo.fill(credits=1_000)
    spend(250)

    next_day(1_000)

    assert the_wallet().posted == 1_000
    assert demo_entries() == [1_000, 250]


def test_a_smaller_setting_takes_back_what_is_not_held(db: None) -> None:
    demo.fill(credits=1_000)
    Wallet.objects.filter(pk=the_wallet().pk).update(held=900)

    next_day(500)

    assert the_wallet().posted == 900
    Wallet.objects.filter(pk=the_wallet().pk).update(held=0)
    next_day(500)
    assert the_wallet().posted == 500


def test_beats_at_the_same_moment_fill_it_once(transactional_db: None) -> None:
    def beat(_number: int) -> None:
        try:
            demo.fill(credits=1_000)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(beat, range(16)))

    assert demo_entries() == [1_000]
    assert the_wallet().posted == 1_000
    assert Workspace.objects.filter(name=demo.WORKSPACE_NAME).count() == 1


def test_a_setting_of_0_makes_and_fills_nothing(db: None, settings: Settings) -> None:
    settings.DEMO_CREDITS_PER_DAY = 0
    tasks.fill_demo_wallet()
    assert not DemoWallet.objects.exists()

    settings.DEMO_CREDITS_PER_DAY = 70
    tasks.fill_demo_wallet()
    assert the_wallet().posted == 70


def test_nobody_is_a_member_of_its_workspace(db: None) -> None:
    demo.fill(credits=1_000)

    assert not Membership.objects.filter(workspace=the_wallet().workspace).exists()


def test_it_has_credits_as_long_as_a_run_like_the_last_one_fits(transactional_db: None) -> None:
    assert not demo.has_credits()
    demo.fill(credits=1_000)
    assert demo.has_credits()
    write(a_call(60).hold())
    assert demo.has_credits()

    spend(1_000 - 60 - 59)

    assert not demo.has_credits()


def a_call(amount: int) -> TestCall:
    return TestCall(the_wallet().workspace_id, amount)


def write(operation: Operation) -> None:
    with psycopg.connect(database_url(), autocommit=True) as ledger:
        blocking_apply.write(ledger, [operation], owner=OWNER)


def test_the_audit_reports_a_demo_entry_of_another_wallet_or_day(
    transactional_db: None,
) -> None:
    demo.fill(credits=1_000)
    books = open_books(10)
    for wallet_id, reference in (
        (books.wallet_id, next_reference()),
        (the_wallet().pk, "2026-01-01"),
        (the_wallet().pk, "twice"),
    ):
        posting.post(
            wallet_id=wallet_id, kind=EntryKind.DEMO, amount=5, reference=reference, reason="x"
        )

    [found] = [finding for finding in audit().findings if finding.rule == RULE]

    assert found.count == 3


def next_reference() -> str:
    return LedgerEntry.objects.filter(kind=EntryKind.DEMO).latest("seq").reference


class Days(RuleBasedStateMachine):
    """Runs and beats in any order, over many days."""

    @initialize(credits=st.integers(1, 500))
    def begin(self, credits: int) -> None:
        demo.fill(credits=credits)
        next_day(credits)
        self.left = self.limit = credits
        self.held: list[TestCall] = []

    @rule(amount=st.integers(0, 200))
    def hold(self, amount: int) -> None:
        call = a_call(amount)
        write(call.hold())
        if amount <= self.left - self.held_credits():
            self.held.append(call)

    @rule(actual=st.integers(0, 300))
    def settle(self, actual: int) -> None:
        if self.held:
            call = self.held.pop()
            write(call.settle(actual))
            self.left -= min(actual, call.amount)

    @rule(credits=st.integers(1, 500))
    def beat_again(self, credits: int) -> None:
        demo.fill(credits=credits)

    @rule(credits=st.integers(1, 500))
    def a_day_passes(self, credits: int) -> None:
        next_day(credits)
        self.left = max(credits, self.held_credits())

    def held_credits(self) -> int:
        return sum(call.amount for call in self.held)

    def teardown(self) -> None:
        if hasattr(self, "left"):
            wallet = the_wallet()
            assert (wallet.posted, wallet.held) == (self.left, self.held_credits())
            for call in self.held:
                write(call.void())


@pytest.mark.django_db(transaction=True)
def test_in_every_history_the_wallet_holds_what_the_day_allows() -> None:
    run_state_machine_as_test(
        Days,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    assert [finding for finding in audit().findings if finding.rule != RULE] == []
