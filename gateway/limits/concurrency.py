"""How many calls may run at once: in this process, and for one key in it."""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field

from gateway.errors import GatewayOverloaded, RateLimited


@dataclass
class ConcurrencyLimit:
    """Counts running calls and refuses, early and cheaply, those that would be too many."""

    limit: int
    limit_per_key: int
    total: int = 0
    _by_key: Counter[Hashable] = field(default_factory=Counter)

    def begin(self, key: Hashable, *, holder: str = "API key") -> None:
        """Count a call that begins; raises GatewayOverloaded, or RateLimited naming the holder."""
        if self.total >= self.limit:
            raise GatewayOverloaded(retry_after_s=1)
        if self._by_key[key] >= self.limit_per_key:
            raise RateLimited(
                f"This {holder} has {self.limit_per_key} calls running; wait for one to end.",
                retry_after_s=1,
            )
        self.total += 1
        self._by_key[key] += 1

    def end(self, key: Hashable) -> None:
        """Stop counting a call that `begin` counted."""
        self.total -= 1
        self._by_key[key] -= 1
        if not self._by_key[key]:
            del self._by_key[key]
