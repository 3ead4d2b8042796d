"""Decide many operations in one transaction: what to ask, what becomes of them, what to write.

The wallets are locked first, in id order; the keys are read after that, in a statement of its own.
Under READ COMMITTED a statement that waited for a row lock still sees other tables as they were
before the wait: only a fresh statement sees a revocation that committed meanwhile. Revoking a key
takes the same lock, so no hold is made after a revoke has returned.

Everything is decided in arrival order in memory, then written with one statement per table.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from billing import holds
from billing.holds import ClosedHold, LockedWallet, NewHold, StoredHold, UsageEntry
from billing.models import HoldState
from billing.statements import Rows, Statement
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


class Batch:
    """Operations of one transaction, and the state that they read and move.

    To be called from top to bottom. Close and Release can be applied again, after a commit that
    went unheard: what is written already is found and answered from. A Reserve is applied once.
    """

    def __init__(self, operations: Sequence[Operation], *, owner: int) -> None:
        self._operations = operations
        self._owner = owner
        self._wallets: dict[int, LockedWallet] = {}
        self._usable_keys: set[int] = set()
        self._holds: dict[UUID, StoredHold] = {}
        self._recorded: set[UUID] = set()
        self._opened: list[NewHold] = []
        self._closed: dict[UUID, ClosedHold] = {}
        self._entries: list[UsageEntry] = []
        self._records: list[Record] = []
        self._moved: dict[int, LockedWallet] = {}

    def questions(self) -> list[Statement]:
        """Return what has to be known, the lock first."""
        workspace_ids = {op.workspace_id for op in self._operations}
        reserves = [op for op in self._operations if isinstance(op, Reserve)]
        key_ids = {op.key_id for op in reserves if op.key_id is not None}
        hold_ids = [op.id for op in self._operations if not isinstance(op, Reserve)]
        return [
            holds.lock_wallets(workspace_ids),
            standing.usable(key_ids),
            holds.read_holds(workspace_ids, hold_ids),
        ]

    def hear(self, answers: Sequence[Rows]) -> None:
        """Take the answers to the questions, in their order."""
        wallets, keys, stored = answers
        self._wallets = holds.wallets_in(wallets)
        self._usable_keys = {id for (id,) in keys}
        self._holds = holds.holds_in(stored)

    def doubts(self) -> list[Statement]:
        """Return what has to be known besides, mostly nothing.

        A void hold with a record: the call's end is written already. One without was voided by the
        reaper, and its call may yet be charged.
        """
        void = {id for id, hold in self._holds.items() if hold.state == HoldState.VOID}
        closes = [op.record for op in self._operations if isinstance(op, Close) and op.id in void]
        return [records.written(closes)] if closes else []

    def hear_recorded(self, answers: Sequence[Rows]) -> None:
        """Take the answers to the doubts."""
        self._recorded = {id for rows in answers for (id,) in rows}

    def decide(self) -> list[Outcome]:
        """Decide all in the order of their arrival; return their outcomes."""
        return [self._decide(operation) for operation in self._operations]

    def writes(self) -> list[Statement]:
        """Return what was decided, as statements."""
        writes = []
        if self._opened:
            writes.append(holds.open_holds(self._opened, owner=self._owner))
        if self._closed:
            writes.append(holds.close_holds(self._closed.values()))
        if self._entries:
            writes.append(holds.append_usage(self._entries))
        if self._records:
            writes.append(records.insert(self._records))
        if self._moved:
            writes.append(holds.write_wallets(self._moved.values()))
        return writes

    def _decide(self, operation: Operation) -> Outcome:
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


def _closed(op: Close, *, charged: int) -> Closed:
    return Closed(charged, op.record.lost_credits + (op.actual or 0) - charged)


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
