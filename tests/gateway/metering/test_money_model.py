"""Random histories of a wallet: after every step the ledger agrees with a simple model."""

import uuid
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing import gateway_queries
from billing.audit.report import audit
from billing.errors import NotEnoughCredits, WalletMismatch
from billing.ledger import posting, wallets
from billing.models import EntryKind, Hold, LedgerEntry, TopUp
from gateway.metering import blocking_apply
from gateway.metering.operations import Operation, Outcome
from keys import services as key_services
from keys.models import ApiKey
from tests.support.books import Books, TestCall, booked, database_url, open_books
from tests.support.money_model import ModelWallet
from usage.models import RequestRecord

OWNER = 7
amounts = st.integers(0, 500)
# What a batch does, and to which call: the number picks one of the calls so far.
steps = st.tuples(st.sampled_from(["hold", "settle", "void", "void_hold"]), amounts, amounts)


class Life(RuleBasedStateMachine):
    """One workspace's history; each example begins another one."""

    connection: psycopg.Connection[Any]

    @initialize(credits=st.integers(1, 2_000))
    def begin(self, credits: int) -> None:
        self.books: Books = open_books()
        self.model = ModelWallet()
        self.calls: list[TestCall] = []
        self.keys: list[ApiKey] = [self.books.mint()]
        self.top_ups: list[TopUp] = []
        self.post(EntryKind.GRANT, credits)

    def post(self, kind: EntryKind, amount: int) -> None:
        posting.post(
            wallet_id=self.books.wallet_id, kind=kind, amount=amount, reference=self.reference()
        )
        self.model.moved.append(amount)

    def reference(self) -> str:
        return f"model:{uuid.uuid4()}"

    # --- What the gateway does ------------------------------------------------------------------

    @rule(steps=st.lists(steps, min_size=1, max_size=8))
    def write_a_batch(self, steps: list[tuple[str, int, int]]) -> None:
        operations: list[Operation] = []
        expected: list[Outcome] = []
        for verb, amount, pick in steps:
            operation, outcome = self.decide(verb, amount, pick)
            operations.append(operation)
            expected.append(outcome)

        assert blocking_apply.write(self.connection, operations, owner=OWNER) == expected

    def decide(self, verb: str, amount: int, pick: int) -> tuple[Operation, Outcome]:
        if verb == "hold":
            key = self.keys[pick % len(self.keys)]
            call = self.books.call(amount, key_id=None if pick % 5 == 0 else key.pk)
            self.calls.append(call)
            return call.hold(), self.model.hold(call)
        call = self.recent_call(pick) if self.calls else self.books.call(amount)
        if verb == "settle":
            return call.settle(amount), self.model.end(call, amount)
        if verb == "void":
            return call.void(), self.model.end(call, None)
        return call.void_hold(), self.model.void_hold(call)

    def recent_call(self, pick: int) -> TestCall:
        """One of the last calls: some are open, some have ended, some were refused."""
        return self.calls[-1 - pick % min(len(self.calls), 8)]

    @rule()
    def die_and_be_reaped(self) -> None:
        with self.connection.transaction():
            gateway_queries.void_holds_of(
                self.connection, owner=OWNER, wallet_id=self.books.wallet_id
            )
        self.model.reap()

    # --- What others do -------------------------------------------------------------------------

    @rule(amount=st.integers(1, 500), kind=st.sampled_from([EntryKind.GRANT, EntryKind.ADJUSTMENT]))
    def post_twice_by_mistake(self, amount: int, kind: EntryKind) -> None:
        reference = self.reference()
        for _ in range(2):
            posting.post(
                wallet_id=self.books.wallet_id, kind=kind, amount=amount, reference=reference
            )
        self.model.moved.append(amount)
        with pytest.raises(WalletMismatch):
            posting.post(
                wallet_id=self.books.wallet_id, kind=kind, amount=amount + 1, reference=reference
            )

    @rule(amount=st.integers(1, 500))
    def top_up_and_repay(self, amount: int) -> None:
        self.top_ups.append(self.books.top_up(amount))
        self.model.give(amount)

    @precondition(lambda self: self.top_ups)
    @rule(
        pick=amounts,
        amount=amounts,
        what=st.sampled_from(["refunded", "disputed"]),
        is_all_spent=st.booleans(),
    )
    def take_back_from_a_top_up(
        self, pick: int, amount: int, what: str, is_all_spent: bool
    ) -> None:
        if is_all_spent and self.model.available:
            self.post(EntryKind.ADJUSTMENT, -self.model.available)
        top_up = self.top_ups[-1 - pick % min(len(self.top_ups), 3)]
        taken = min(amount, top_up.credited - top_up.refunded - top_up.disputed)
        booked(top_up, **{what: getattr(top_up, what) + taken})
        self.model.take(taken)

    @precondition(lambda self: self.top_ups)
    @rule(pick=amounts, amount=amounts, what=st.sampled_from(["refunded", "disputed"]))
    def give_back_to_a_top_up(self, pick: int, amount: int, what: str) -> None:
        """A refund failed, a dispute was won."""
        top_up = self.top_ups[-1 - pick % min(len(self.top_ups), 3)]
        given = min(amount, getattr(top_up, what))
        booked(top_up, **{what: getattr(top_up, what) - given})
        if given:
            self.model.give(given)

    @rule(amount=st.integers(-2_000, 500).filter(bool))
    def adjust(self, amount: int) -> None:
        available = self.model.available
        if available + amount >= 0:
            self.post(EntryKind.ADJUSTMENT, amount)
            return
        with pytest.raises(NotEnoughCredits) as refusal:
            self.post(EntryKind.ADJUSTMENT, amount)
        assert (refusal.value.required, refusal.value.available) == (-amount, available)

    @rule(pick=amounts)
    def revoke_a_key(self, pick: int) -> None:
        key = self.keys[pick % len(self.keys)]
        key_services.revoke(key=key)
        self.model.revoked.add(key.pk)

    @precondition(lambda self: len(self.keys) < 3)
    @rule()
    def mint_a_key(self) -> None:
        self.keys.append(self.books.mint())

    @rule()
    def freeze(self) -> None:
        wallets.freeze([self.books.wallet_id])
        self.model.is_frozen = True

    @precondition(lambda self: self.model.is_frozen)
    @rule()
    def unfreeze(self) -> None:
        wallets.unfreeze(self.books.wallet_id)
        self.model.is_frozen = False

    # --- What must hold -------------------------------------------------------------------------

    @invariant()
    def the_wallet_is_the_models(self) -> None:
        if not hasattr(self, "books"):
            return
        wallet = self.books.wallet()
        assert (wallet.posted, wallet.held, wallet.owed) == (
            self.model.posted,
            self.model.held,
            self.model.owed,
        )
        assert wallet.posted >= wallet.held >= 0

    def teardown(self) -> None:
        if not hasattr(self, "books"):
            return
        entries = LedgerEntry.objects.filter(wallet_id=self.books.wallet_id).order_by("seq")
        assert [entry.amount for entry in entries] == self.model.moved
        found = {
            hold.id: (hold.amount, hold.state, hold.actual or 0)
            for hold in Hold.objects.filter(wallet_id=self.books.wallet_id)
        }
        assert found == {
            call_id: (hold.amount, hold.state, hold.actual)
            for call_id, hold in self.model.holds.items()
        }
        records = {
            record.id: (record.credits, record.lost_credits, record.balance_after)
            for record in RequestRecord.objects.filter(workspace=self.books.workspace)
        }
        assert records == {
            call_id: (hold.actual, hold.lost, hold.balance_after)
            for call_id, hold in self.model.holds.items()
            if hold.is_recorded
        }
        assert audit().findings == []


@pytest.mark.django_db(transaction=True)
def test_the_books_agree_with_a_model() -> None:
    with psycopg.connect(database_url(), autocommit=True) as ledger_connection:
        Life.connection = ledger_connection
        run_state_machine_as_test(
            Life,
            settings=settings(
                max_examples=25,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
