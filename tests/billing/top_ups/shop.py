"""A person who buys credits, the worker behind the webhook, and the ledger's entries."""

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.services import give_personal_workspace
from billing.ledger import posting, wallets
from billing.models import EntryKind, Hold, HoldState, LedgerEntry, Source, TopUp, Wallet
from billing.stripe import inbox, top_ups
from billing.stripe.checkout import ReturnUrls
from stripe_sandbox.client import Json, Sandbox

RETURN_URLS = ReturnUrls(
    success="http://shop.localhost:9/developers/billing/top-ups/1",
    cancel="http://shop.localhost:9/developers/billing",
)
_SPENT = "spent-"
_numbers = itertools.count(1)


@dataclass
class Buyer:
    """A person with a workspace of their own, and an empty wallet."""

    user: User
    workspace: Workspace

    @property
    def wallet(self) -> Wallet:
        """Read from the database each time."""
        return wallets.wallet_of(self.workspace)

    def start(self, dollars: int = 20) -> TopUp:
        """Send the form, and open Stripe's page."""
        top_up = self.fill_in(uuid4(), dollars=dollars)
        self.open_page(top_up)
        return top_up

    def fill_in(self, form_id: UUID, *, dollars: int = 20) -> TopUp:
        return top_ups.start(
            workspace=self.workspace,
            user=self.user,
            amount_cents=dollars * 100,
            form_id=form_id,
        )

    def open_page(self, top_up: TopUp) -> str | None:
        return top_ups.open_page(
            top_up=top_up, workspace=self.workspace, user=self.user, return_urls=RETURN_URLS
        )

    def spend(self, credits: int) -> None:
        """Spend credits by an adjustment; a real call would need a gateway."""
        posting.post(
            wallet_id=self.wallet.pk,
            kind=EntryKind.ADJUSTMENT,
            amount=-credits,
            reference=f"{_SPENT}{next(_numbers)}",
        )

    def hold(self, credits: int) -> Hold:
        """Begin a call that may cost this many credits."""
        Wallet.objects.filter(pk=self.wallet.pk).update(held=F("held") + credits)
        return Hold.objects.create(
            wallet=self.wallet,
            id=uuid4(),
            source=Source.API,
            amount=credits,
            owner=1,
            accepted_at=timezone.now(),
        )

    def void(self, hold: Hold) -> None:
        """End a call without a charge."""
        Hold.objects.filter(pk=hold.pk).update(state=HoldState.VOIDED, closed_at=timezone.now())
        Wallet.objects.filter(pk=self.wallet.pk).update(held=F("held") - hold.amount)


def suspend_refreshes(top_up: TopUp) -> None:
    """Extend the refresh interval by an hour, so that no pause of the test can end it."""
    TopUp.objects.filter(pk=top_up.pk).update(asked_at=F("asked_at") + timedelta(hours=1))


def new_buyer() -> Buyer:
    user = User.objects.create_user(f"buyer-{next(_numbers)}@example.com")
    workspace = give_personal_workspace(user)
    wallets.wallet_of(workspace)
    return Buyer(user, workspace)


class Entry(NamedTuple):
    kind: str
    amount: int


def entries_of(wallet: Wallet) -> list[Entry]:
    """The ledger entries, oldest first, without what was spent."""
    rows = LedgerEntry.objects.filter(wallet=wallet).exclude(reference__startswith=_SPENT)
    return [Entry(row.kind, row.amount) for row in rows.order_by("seq")]


def session_of(top_up: TopUp) -> str:
    assert top_up.stripe_session_id
    return top_up.stripe_session_id


def pay(sandbox: Sandbox, top_up: TopUp, instrument: str = "4242424242424242") -> Json:
    return sandbox.pay(session_of(top_up), instrument)


def paid(buyer: Buyer, sandbox: Sandbox, *, dollars: int = 20) -> TopUp:
    """A top-up whose credits have landed."""
    top_up = buyer.start(dollars)
    pay(sandbox, top_up)
    deliver(sandbox)
    return top_up


def deliver(sandbox: Sandbox) -> None:
    """Wait until every webhook is delivered, and process the events."""
    sandbox.wait_until_delivered()
    process_due_events()


def process_due_events() -> None:
    inbox.sweep()


def at_once(act: Callable[[str], object], given: Iterable[str], *, threads: int = 8) -> None:
    """Call `act` from several threads; the first error is raised."""
    pending = iter(list(given))

    def work() -> None:
        try:
            for value in pending:
                act(value)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        for worker in [pool.submit(work) for _ in range(threads)]:
            worker.result()


def database_url() -> str:
    """The database of this test, for another process."""
    parts = urlsplit(settings.DATABASE_URL)
    return parts._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
