"""Lends a limited number of bytes to requests, fairly by workspace."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Hashable
from typing import NamedTuple, TypeVar

Name = TypeVar("Name", bound=Hashable)


class Holder(NamedTuple):
    """Who takes: a workspace, and what its calls are counted by (a key, or the workspace)."""

    workspace_id: int
    key: Hashable


class BudgetSpent(Exception):
    """Nothing became free in time."""


class _Waiter(NamedTuple):
    holder: Holder
    amount: int
    granted: "asyncio.Future[None]"


class FairBudget:
    """A total, of which a workspace and a key may have a share each.

    What a workspace may have beyond its first amount shrinks with what is free: `has_its_share`.
    Workspaces that wait take turns. A request whose turn it is waits until the total has room for
    it and is not overtaken, so that large ones are served, too; one that exceeds its own shares
    lets the others pass.
    """

    def __init__(self, total: int, *, per_workspace: int, per_key: int) -> None:
        self._total = total
        self._free = total
        self._per_workspace = min(total, per_workspace)
        self._per_key = min(total, per_key)
        self._of_workspace: Counter[int] = Counter()
        self._of_key: Counter[Hashable] = Counter()
        self._waiting: OrderedDict[int, deque[_Waiter]] = OrderedDict()

    @property
    def free(self) -> int:
        """What is lent to nobody."""
        return self._free

    async def take(self, holder: Holder, amount: int, *, wait_s: float) -> int:
        """Take an amount, at most a key's share, and return it. Raises BudgetSpent."""
        amount = min(amount, self._per_workspace, self._per_key)
        waiter = _Waiter(holder, amount, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(holder.workspace_id, deque()).append(waiter)
        self._lend()
        if not waiter.granted.done():
            try:
                await asyncio.wait({waiter.granted}, timeout=wait_s)
            except asyncio.CancelledError:
                self._leave(waiter)
                raise
        if not waiter.granted.done():
            self._leave(waiter)
            raise BudgetSpent
        return amount

    def give_back(self, holder: Holder, amount: int) -> None:
        """Return what `take` has returned."""
        self._free += amount
        _subtract(self._of_workspace, holder.workspace_id, amount)
        _subtract(self._of_key, holder.key, amount)
        self._lend()

    def _leave(self, waiter: _Waiter) -> None:
        if waiter.granted.done():  # and its task was cancelled in the same moment
            self.give_back(waiter.holder, waiter.amount)
            return
        queue = self._waiting[waiter.holder.workspace_id]
        queue.remove(waiter)
        if not queue:
            del self._waiting[waiter.holder.workspace_id]
        self._lend()  # the next one's turn may have come

    def _lend(self) -> None:
        while self._lend_to_one():
            pass

    def _lend_to_one(self) -> bool:
        for workspace_id, queue in self._waiting.items():
            waiter = next(filter(self._is_within_shares, queue), None)
            if waiter is None:
                continue
            if waiter.amount > self._free:
                return False
            queue.remove(waiter)
            if queue:
                self._waiting.move_to_end(workspace_id)
            else:
                del self._waiting[workspace_id]
            self._grant(waiter)
            return True
        return False

    def _is_within_shares(self, waiter: _Waiter) -> bool:
        lent = self._of_workspace[waiter.holder.workspace_id]
        workspace = lent + waiter.amount
        key = self._of_key[waiter.holder.key] + waiter.amount
        if workspace > self._per_workspace or key > self._per_key:
            return False
        return not has_its_share(
            lent, share=self._per_workspace, total=self._total, free=self._free
        )

    def _grant(self, waiter: _Waiter) -> None:
        self._free -= waiter.amount
        self._of_workspace[waiter.holder.workspace_id] += waiter.amount
        self._of_key[waiter.holder.key] += waiter.amount
        waiter.granted.set_result(None)


def has_its_share(taken: int, *, share: int, total: int, free: int) -> bool:
    """Return whether a workspace that has `taken`, while `free` is left, may have no more.

    Alone it may have `share` of the total. The more others have, the less: its ratio to what is
    free stays below the one that it has with all of its share alone. After Choudhury and Hahne,
    "Dynamic queue length thresholds for shared-memory packet switches" (1998).
    """
    return taken > 0 and taken * (total - share) >= share * free


def _subtract(counts: "Counter[Name]", key: Name, amount: int) -> None:
    counts[key] -= amount
    if not counts[key]:
        del counts[key]
