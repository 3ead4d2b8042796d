"""Decide and write many operations in one transaction.

The wallets are locked first, in id order; the keys are read after that, in a statement of its own.
Under READ COMMITTED a statement that waited for a row lock still sees other tables as they were
before the wait: only a fresh statement sees a revocation that committed meanwhile. Revoking a key
takes the same lock, so no hold is made after a revoke has returned.

Everything is decided in arrival order in memory, then written with one statement per table. All
that is read is asked for at once, and all that is written is sent at once: a round trip each, which
counts where PostgreSQL is on another machine.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection, Pipeline

from billing import holds
from billing.holds import ClosedHold, LockedWallet, NewHold, StoredHold, UsageEntry
from billing.models import HoldState
from gateway.metering.operations import (
    Close,
    Closed,
    Operation,
    Outcome,
    Release,
    Reserve,
    Reserved,
    Verdict,
)
from keys import standing
from usage import records
from usage.records import Record


def apply(
    connection: Connection[Any],
    pipeline: Pipeline,
    operations: Sequence[Operation],
    *,
    owner: int,
) -> list[Outcome]:
    """Write the operations; return their outcomes in order.

    The caller has begun a transaction in the connection's pipeline and commits it; an error of
    what is written here may come only then.

    Close and Release can be applied again, after a commit that went unheard: what is written
    already is found and answered from. A Reserve is applied once.
    """
    batch = _Batch(connection, pipeline, operations)
    outcomes = [batch.decide(operation) for operation in operations]
    batch.write(connection, owner=owner)
    return outcomes


class _Batch:
    """The state that decisions read and move before anything is written."""

    def __init__(
        self, connection: Connection[Any], pipeline: Pipeline, operations: Sequence[Operation]
    ) -> None:
        self._wallets, self._usable_keys, self._holds = _ask(connection, pipeline, operations)
        self._recorded = self._read_recorded(connection, operations)
        self._opened: list[NewHold] = []
        self._closed: dict[UUID, ClosedHold] = {}
        self._entries: list[UsageEntry] = []
        self._records: list[Record] = []
        self._moved: dict[int, LockedWallet] = {}

    def _read_recorded(
        self, connection: Connection[Any], operations: Sequence[Operation]
    ) -> set[UUID]:
        """Return which calls have a void hold and a record: their end is written already.

        A void hold without a record was voided by the reaper, and its call may yet be charged.
        """
        void = {id for id, hold in self._holds.items() if hold.state == HoldState.VOID}
        closes = [op.record for op in operations if isinstance(op, Close) and op.id in void]
        return records.written(connection, closes) if closes else set()

    def decide(self, operation: Operation) -> Outcome:
        if isinstance(operation, Reserve):
            return self._reserve(operation)
        if isinstance(operation, Release):
            return self._release(operation)
        return self._close(operation)

    def _reserve(self, op: Reserve) -> Reserved:
        wallet = self._wallets.get(op.workspace_id)
        if wallet is None:
            return Reserved(Verdict.NO_WALLET, 0)
        verdict = self._verdict(op, wallet)
        available = wallet.available
        if verdict is Verdict.ADMITTED:
            wallet.held += op.amount
            self._moved[wallet.id] = wallet
            self._opened.append(
                NewHold(wallet.id, op.id, op.key_id, op.source, op.amount, op.accepted_at)
            )
            self._holds[op.id] = StoredHold(wallet.id, op.id, op.amount, HoldState.OPEN, None)
        return Reserved(verdict, available)

    def _verdict(self, op: Reserve, wallet: LockedWallet) -> Verdict:
        if op.key_id is not None and op.key_id not in self._usable_keys:
            return Verdict.KEY_UNUSABLE
        if wallet.is_frozen:
            return Verdict.FROZEN
        if op.amount > wallet.available:
            return Verdict.OUT_OF_CREDITS
        return Verdict.ADMITTED

    def _close(self, op: Close) -> Closed:
        hold = self._holds.get(op.id)
        if hold is not None and hold.state == HoldState.SETTLED:
            return _closed(op, charged=hold.actual or 0)
        if hold is None or op.id in self._recorded:
            return _closed(op, charged=0)  # no such hold, or void for good
        wallet = self._wallets[op.workspace_id]
        charge = _charge(op.actual, hold, wallet)
        if charge is None:
            self._void(hold, wallet)
        else:
            self._settle(hold, wallet, charge)
        closed = _closed(op, charged=charge or 0)
        record = msgspec.structs.replace(
            op.record, credits=closed.charged, lost_credits=closed.lost
        )
        self._records.append(record)
        self._recorded.add(op.id)
        return closed

    def _release(self, op: Release) -> Closed:
        hold = self._holds.get(op.id)
        if hold is not None:
            self._void(hold, self._wallets[op.workspace_id])
        return Closed(0, 0)

    def _void(self, hold: StoredHold, wallet: LockedWallet) -> None:
        if hold.state != HoldState.OPEN:
            return  # the reaper was here before
        wallet.held -= hold.amount
        self._moved[wallet.id] = wallet
        self._closed[hold.id] = ClosedHold(hold.wallet_id, hold.id, None)
        self._holds[hold.id] = hold._replace(state=HoldState.VOID)

    def _settle(self, hold: StoredHold, wallet: LockedWallet, charge: int) -> None:
        if hold.state == HoldState.OPEN:
            wallet.held -= hold.amount
        self._moved[wallet.id] = wallet
        wallet.posted -= charge
        wallet.seq += 1
        self._closed[hold.id] = ClosedHold(hold.wallet_id, hold.id, charge)
        self._entries.append(UsageEntry(wallet.id, wallet.seq, charge, wallet.posted, str(hold.id)))
        self._holds[hold.id] = hold._replace(state=HoldState.SETTLED, actual=charge)

    def write(self, connection: Connection[Any], *, owner: int) -> None:
        if self._opened:
            holds.open_holds(connection, owner=owner, holds=self._opened)
        if self._closed:
            holds.close_holds(connection, list(self._closed.values()))
        if self._entries:
            holds.append_usage(connection, self._entries)
        if self._records:
            records.insert(connection, self._records)
        if self._moved:
            holds.write_wallets(connection, list(self._moved.values()))


def _closed(op: Close, *, charged: int) -> Closed:
    return Closed(charged, op.record.lost_credits + (op.actual or 0) - charged)


def _ask(
    connection: Connection[Any], pipeline: Pipeline, operations: Sequence[Operation]
) -> tuple[dict[int, LockedWallet], set[int], dict[UUID, StoredHold]]:
    """Lock the wallets; return them, which of the keys are usable, and the holds there are."""
    reserves = [op for op in operations if isinstance(op, Reserve)]
    workspace_ids = {op.workspace_id for op in operations}
    key_ids = {op.key_id for op in reserves if op.key_id is not None}
    hold_ids = [op.id for op in operations if not isinstance(op, Reserve)]
    wallets = holds.lock_wallets(connection, workspace_ids)
    keys = standing.usable_ids(connection, key_ids) if key_ids else set[int]
    stored = holds.read_holds(connection, workspace_ids, hold_ids) if hold_ids else _no_holds
    # Only a Sync, and nothing behind it, makes PostgreSQL take us for idle in a transaction: who is
    # stopped just here, where a process stands longest, would otherwise keep the locks until
    # `transaction_timeout`. A nested pipeline would send a Flush after its Sync.
    pipeline.sync()
    return wallets(), keys(), stored()


def _no_holds() -> dict[UUID, StoredHold]:
    return {}


def _charge(actual: int | None, hold: StoredHold, wallet: LockedWallet) -> int | None:
    """Return what to charge, None for a void. Never above the hold; the rest is our loss.

    A hold that the reaper voided while its owner still lived has nothing set aside any more: it is
    charged if that still fits, else the whole is our loss.
    """
    if actual is None:
        return None
    charge = min(actual, hold.amount)
    if hold.state == HoldState.VOID and charge > wallet.available:
        return None
    return charge
