"""What the processes of the benchmark tell each other, as JSON on a command line or a pipe."""

import msgspec


class Purse(msgspec.Struct, frozen=True):
    """A workspace and its api wallet."""

    workspace_id: int
    wallet_id: int


class Order(msgspec.Struct, frozen=True):
    """What one process does: so many operations, and no longer than so many seconds."""

    purses: list[Purse]
    operations: int
    seconds: float
    clients: int
    seed: int
    journals: str


class Told(msgspec.Struct):
    """What a process was told by the ledger.

    `net` is by how much each wallet's posted minus owed must have moved, by wallet id; `settled`
    how many usage entries it must have.
    """

    net: dict[int, int] = {}
    settled: dict[int, int] = {}
    counts: dict[str, int] = {}
    reserve_ms: list[float] = []
    seconds: float = 0.0

    def move(self, wallet_id: int, amount: int) -> None:
        """Remember a movement."""
        self.net[wallet_id] = self.net.get(wallet_id, 0) + amount

    def count(self, what: str) -> None:
        """Count an operation by what it was."""
        self.counts[what] = self.counts.get(what, 0) + 1
