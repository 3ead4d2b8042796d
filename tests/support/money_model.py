"""A wallet's expected behaviour, as simply as possible: numbers and a dictionary of calls."""

from dataclasses import dataclass, field
from uuid import UUID

from gateway.metering.operations import HoldDecision, HoldResult, SettleResult
from tests.support.books import TestCall


@dataclass
class ModelHold:
    """A call's credits: open, settled or void; `is_recorded` once its record is written."""

    amount: int
    state: str = "open"
    actual: int = 0
    lost: int = 0
    is_recorded: bool = False
    balance_after: int | None = None  # of its ledger entry


@dataclass
class ModelWallet:
    """A wallet, its holds, and the amounts of all its ledger entries."""

    moved: list[int] = field(default_factory=list)
    owed: int = 0
    holds: dict[UUID, ModelHold] = field(default_factory=dict)
    revoked: set[int] = field(default_factory=set)
    is_frozen: bool = False

    @property
    def posted(self) -> int:
        return sum(self.moved)

    @property
    def held(self) -> int:
        return sum(hold.amount for hold in self.holds.values() if hold.state == "open")

    @property
    def available(self) -> int:
        return self.posted - self.held

    def hold(self, call: TestCall) -> HoldResult:
        return HoldResult(self._decide(call), self.posted, self.held)

    def _decide(self, call: TestCall) -> HoldDecision:
        if call.key_id in self.revoked:
            return HoldDecision.KEY_UNUSABLE
        if self.is_frozen:
            return HoldDecision.FROZEN
        if call.amount > self.available:
            return HoldDecision.OUT_OF_CREDITS
        self.holds[call.id] = ModelHold(call.amount)
        return HoldDecision.ADMITTED

    def end(self, call: TestCall, actual: int | None) -> SettleResult:
        """Settle, or void with None; the second time, the result is that of the first."""
        hold = self.holds.get(call.id)
        if hold is None:
            return SettleResult(0, actual or 0, self.posted, self.held)
        if not hold.is_recorded:
            self._end(hold, actual)
        lost = (actual or 0) - hold.actual
        return SettleResult(hold.actual, lost, self.posted, self.held, hold.balance_after)

    def _end(self, hold: ModelHold, actual: int | None) -> None:
        hold.is_recorded = True
        charge = min(actual or 0, hold.amount)
        fits = hold.state == "open" or charge <= self.available
        if actual is None or not fits:
            hold.state = "void"
            hold.lost = actual or 0
            return
        hold.state, hold.actual, hold.lost = "settled", charge, actual - charge
        self.moved.append(-charge)
        hold.balance_after = self.posted

    def void_hold(self, call: TestCall) -> SettleResult:
        hold = self.holds.get(call.id)
        if hold is not None and hold.state == "open":
            hold.state = "void"
        return SettleResult(0, 0, self.posted, self.held)

    def reap(self) -> None:
        """The process that made all open holds is dead."""
        for hold in self.holds.values():
            if hold.state == "open":
                hold.state = "void"

    def give(self, amount: int) -> None:
        self.moved.append(amount)
        repaid = min(self.owed, self.available)
        if repaid:
            self.moved.append(-repaid)
            self.owed -= repaid

    def take(self, amount: int) -> None:
        taken = min(amount, self.available)
        if taken:
            self.moved.append(-taken)
        self.owed += amount - taken
