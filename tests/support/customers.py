"""A workspace with a key and credits, and what the books say about it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Membership, Role, User, Workspace
from billing.ledger import grants, wallets
from billing.models import EntryKind, Hold, HoldState, Wallet
from keys import services as keys
from keys.models import ApiKey
from tests.support.callers import Answer, Call, Caller
from tests.support.scripted_upstream import Script
from tests.support.waiting import eventually
from usage.models import Ending, RequestRecord


@dataclass(frozen=True)
class Customer:
    """Calls go to the gateway it was made for; `at` asks another one."""

    workspace: Workspace
    owner: User
    key: ApiKey
    token: str
    url: str

    def at(self, url: str) -> Caller:
        """Return a caller with this key at another gateway."""
        return Caller(url, self.token)

    @property
    def caller(self) -> Caller:
        """A caller with this key."""
        return Caller(self.url, self.token)

    def ask(self, prompt: str, **fields: Any) -> Answer:
        """Send a prompt and return the answer."""
        return self.caller.ask(prompt, **fields)

    def begin(self, prompt: str, **fields: Any) -> Call:
        """Send a prompt; do not wait for the answer."""
        return self.caller.begin(prompt, **fields)

    def stream(self, prompt: str, **fields: Any) -> Answer:
        """Send a prompt and return the whole stream."""
        return self.caller.ask(prompt, stream=True, **fields)

    def another_key(self, **options: Any) -> keys.MintedKey:
        """Mint a further key of the same workspace."""
        return keys.mint(workspace=self.workspace, name="more", created_by=self.owner, **options)

    def revoke(self) -> None:
        """Revoke the key."""
        keys.revoke(key=self.key)

    def give(self, credits: int) -> None:
        """Add credits to the balance."""
        grants.grant(workspace=self.workspace, credits=credits, reason="For a test")

    def wallet(self) -> Wallet:
        """Return the api wallet as it is now."""
        return wallets.wallet_of(self.workspace)

    @contextmanager
    def wallet_locked(self) -> Iterator[None]:
        """Nobody can hold or settle anything of theirs for the length of the block."""
        with transaction.atomic():
            list(Wallet.objects.filter(pk=self.wallet().pk).select_for_update())
            yield

    @staticmethod
    def is_awaited() -> bool:
        """Tell whether a gateway's writer stands before a lock, such as `wallet_locked`'s."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE application_name = 'caicaini-writer'"
                " AND datname = current_database() AND wait_event_type = 'Lock'"
            )
            return cursor.fetchone() is not None

    def open_holds(self) -> int:
        """Return how many calls have credits held now."""
        return Hold.objects.filter(wallet=self.wallet(), state=HoldState.HELD).count()

    def charges(self) -> list[int]:
        """Return what the ledger took for usage, in order."""
        entries = self.wallet().entries.filter(kind=EntryKind.USAGE).order_by("seq")
        return [-entry.amount for entry in entries]

    def records(self) -> list[RequestRecord]:
        """Return the records of the calls that credits were held for, oldest first."""
        return list(self._all_records().exclude(ending=Ending.REFUSED))

    def refused(self) -> list[RequestRecord]:
        """Return the records of refused calls, oldest first; they are written a moment later."""
        return list(self._all_records().filter(ending=Ending.REFUSED))

    def _all_records(self) -> "QuerySet[RequestRecord]":
        rows = RequestRecord.objects.filter(workspace_id=self.workspace.pk)
        return rows.order_by("accepted_at")

    def wait_until_settled(self) -> None:
        """Return once no call has credits held."""
        eventually(lambda: self.open_holds() == 0, what="the end of all holds")

    def wait_for_record(self) -> RequestRecord:
        """Return the one record there is, once its call is closed."""
        [record] = eventually(self.records, what="the request record")
        return record


def sign_up(*, url: str, credits: int, **key_options: Any) -> Customer:
    """Make a person with a workspace, a key and credits."""
    owner = User.objects.create_user(f"{uuid.uuid4().hex}@example.com")
    workspace = Workspace.objects.create(name="A workspace")
    Membership.objects.create(user=owner, workspace=workspace, role=Role.OWNER)
    minted = keys.mint(workspace=workspace, name="a key", created_by=owner, **key_options)
    customer = Customer(workspace, owner, minted.key, minted.token, url)
    if credits:
        customer.give(credits)
    return customer


def begin_mixed(customer: Customer, script: Script, *, each: int) -> list[Call]:
    """Begin as many streams, which have delivered words, as plain calls without an answer."""
    calls = [customer.begin(script.prompt, stream=number < each) for number in range(2 * each)]
    for call in calls[:each]:
        call.read_until("content_block_delta")
    script.wait_for_request(2 * each)
    return calls
