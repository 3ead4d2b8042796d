"""Messages between the benchmark's processes, as JSON on a command line or a pipe."""

import msgspec


class Purse(msgspec.Struct, frozen=True):
    """A workspace and its api wallet."""

    workspace_id: int
    wallet_id: int


class Order(msgspec.Struct, frozen=True):
    """One process's work: a number of operations, and a limit in seconds."""

    purses: list[Purse]
    operations: int
    seconds: float
    clients: int
    seed: int
    journals: str


class Results(msgspec.Struct):
    """One process's results of its operations.

    `net` has, by wallet id, how far posted minus owed must have moved, and `settled` how many usage
    entries the wallet must have.
    """

    net: dict[int, int] = {}
    settled: dict[int, int] = {}
    counts: dict[str, int] = {}
    hold_ms: list[float] = []
    seconds: float = 0.0

    def move(self, wallet_id: int, amount: int) -> None:
        """Add a movement of a wallet."""
        self.net[wallet_id] = self.net.get(wallet_id, 0) + amount

    def count(self, name: str) -> None:
        """Count an operation under its name."""
        self.counts[name] = self.counts.get(name, 0) + 1
