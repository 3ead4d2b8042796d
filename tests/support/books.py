"""Workspaces, wallets and calls for tests of money, and the rows that they leave."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection, transaction
from django.utils import timezone
from psycopg import conninfo as libpq

from accounts.models import User, Workspace
from accounts.services import give_personal_workspace
from billing.ledger import posting, wallets
from billing.models import (
    EntryKind,
    Hold,
    HoldState,
    LedgerEntry,
    Pool,
    TopUp,
    TopUpState,
    Wallet,
)
from billing.stripe import convergence
from billing.stripe.payments import Outcome, Verdict
from gateway.metering import operations
from gateway.metering.operations import Settle, Void
from keys import services as key_services
from keys.models import ApiKey
from tests.support.request_records import record_of
from usage.models import Ending, RequestRecord
from usage.records import Record


@dataclass(frozen=True)
class Books:
    """A workspace with credits, and all rows of its ledger."""

    user: User
    workspace: Workspace
    wallet_id: int

    def wallet(self) -> Wallet:
        """The api wallet as it is now."""
        return Wallet.objects.get(pk=self.wallet_id)

    def holds(self, state: HoldState) -> list[Hold]:
        """Its holds in one state."""
        return list(Hold.objects.filter(wallet_id=self.wallet_id, state=state))

    def usage(self) -> list[LedgerEntry]:
        """The usage entries of its calls, oldest first."""
        entries = LedgerEntry.objects.filter(wallet_id=self.wallet_id, kind=EntryKind.USAGE)
        return list(entries.order_by("seq"))

    def records(self) -> list[RequestRecord]:
        """Its request records."""
        return list(RequestRecord.objects.filter(workspace=self.workspace))

    def give(self, credits: int) -> LedgerEntry:
        """Grant credits, under a new reference each time."""
        return posting.post(
            wallet_id=self.wallet_id,
            kind=EntryKind.GRANT,
            amount=credits,
            reference=f"test:{uuid.uuid4()}",
        )

    def top_up(self, credits: int) -> TopUp:
        """Sell credits, as if Stripe had confirmed the payment."""
        top_up = TopUp.objects.create(
            wallet_id=self.wallet_id,
            amount_cents=credits // 1_000 or 1,
            credits=credits,
            state=TopUpState.PAID,
            converged_at=timezone.now(),
        )
        booked(top_up, credited=credits)
        return top_up

    def freeze(self) -> None:
        """Refuse new calls, as an audit with findings does."""
        Wallet.objects.filter(pk=self.wallet_id).update(frozen_at=timezone.now())

    def set_held(self, credits: int) -> None:
        """Tamper with the wallet."""
        Wallet.objects.filter(pk=self.wallet_id).update(held=credits)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the wallet for the block, so that its transactions wait."""
        with psycopg.connect(database_url()) as other:
            other.execute("SELECT 1 FROM billing_wallet WHERE id = %s FOR UPDATE", [self.wallet_id])
            yield

    def is_waited_for(self) -> bool:
        """Whether a session waits for the lock."""
        with psycopg.connect(database_url()) as other:
            row = other.execute(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            ).fetchone()
        return row is not None

    def mint(self, **options: Any) -> ApiKey:
        """Make a key."""
        return key_services.mint(
            workspace=self.workspace, name="test", created_by=self.user, **options
        ).key

    def call(self, amount: int, **fields: Any) -> "TestCall":
        """A call that may cost up to `amount`; nothing is written yet."""
        return TestCall(workspace_id=self.workspace.pk, amount=amount, **fields)


@dataclass(frozen=True)
class TestCall:
    """One call, and the operations of its life."""

    __test__ = False

    workspace_id: int
    amount: int
    key_id: int | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    accepted_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def hold(self) -> operations.Hold:
        """Return the operation that makes its hold."""
        return operations.Hold(
            self.id, self.workspace_id, self.key_id, "api", self.amount, self.accepted_at
        )

    def settle(self, actual: int, **fields: Any) -> Settle:
        """Return the settlement with a charge."""
        return Settle(self.record(**fields), actual, self.amount)

    def void(self, **fields: Any) -> Settle:
        """Return the settlement without a charge, for a failed call."""
        record = self.record(ending=Ending.FAILED, status=500, **fields)
        return Settle(record, None, self.amount)

    def void_hold(self) -> Void:
        """Return the operation that voids its hold without a record, if there is one."""
        return Void(self.id, self.workspace_id)

    def record(self, **fields: Any) -> Record:
        """Return its request record, before anything is charged."""
        own: dict[str, Any] = {
            "id": self.id,
            "workspace_id": self.workspace_id,
            "accepted_at": self.accepted_at,
            "key_id": self.key_id,
            "price_id": 1,
        }
        return record_of(**own | fields)


def open_books(credits: int = 0) -> Books:
    """Create a person with a workspace, and grant credits."""
    user = User.objects.create_user(f"{uuid.uuid4().hex}@example.com")
    workspace = give_personal_workspace(user)
    books = Books(user, workspace, wallets.wallet_of(workspace).pk)
    if credits:
        books.give(credits)
    return books


def booked(top_up: TopUp, **totals: Any) -> None:
    """Book these totals (`credited`, `refunded`, `disputed`) as if Stripe reported them."""
    verdict = Verdict(Outcome.PAID, top_up.credited, top_up.refunded, top_up.disputed)
    with transaction.atomic():
        convergence.post_difference(top_up, replace(verdict, **totals))


def subscription_wallet(books: Books) -> Wallet:
    """The workspace's other pool."""
    return wallets.wallet_of(books.workspace, pool=Pool.SUBSCRIPTION)


def database_url() -> str:
    """The URL of this test's database, for connections other than Django's."""
    settings = connection.settings_dict
    return libpq.make_conninfo(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"] or None,
        dbname=settings["NAME"],
    )


def waiting_sessions() -> int:
    """Return how many sessions of this database wait for a lock."""
    with psycopg.connect(database_url()) as watcher:
        row = watcher.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])
