"""How many calls may run at once: in this process, and for one workspace and one key in it."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.errors import GatewayOverloaded, RateLimited
from gateway.limits.fair_budget import has_its_share

Name = TypeVar("Name", bound=Hashable)


@dataclass
class ConcurrencyLimit:
    """Counts running calls and refuses, early and cheaply, those that would be too many.

    A workspace may have a share of the places, however many keys it has, so that none takes all.
    It shrinks with the places that are free: of two workspaces that take what they can get, where
    one may have a half, each has a third, and of nine a tenth. So several of one person leave room,
    too.
    """

    limit: int
    limit_per_key: int
    limit_per_workspace: int
    total: int = 0
    _by_key: dict[Hashable, int] = field(default_factory=dict)
    _by_workspace: dict[int, int] = field(default_factory=dict)

    def begin(self, key: Hashable, *, workspace_id: int, holder: str = "API key") -> None:
        """Count a call that begins; raises GatewayOverloaded, or RateLimited naming the holder."""
        of_key = self._by_key.get(key, 0)
        of_workspace = self._by_workspace.get(workspace_id, 0)
        if of_key >= self.limit_per_key:
            raise _running(holder, self.limit_per_key)
        if of_workspace >= self.limit_per_workspace:
            raise _running("workspace", self.limit_per_workspace)
        if self.total >= self.limit:
            raise GatewayOverloaded(retry_after_s=1)
        if has_its_share(
            of_workspace,
            share=self.limit_per_workspace,
            total=self.limit,
            free=self.limit - self.total,
        ):
            raise _running("workspace", of_workspace)
        self.total += 1
        self._by_key[key] = of_key + 1
        self._by_workspace[workspace_id] = of_workspace + 1

    def end(self, key: Hashable, *, workspace_id: int) -> None:
        """Stop counting a call that `begin` counted."""
        self.total -= 1
        _subtract_one(self._by_key, key)
        _subtract_one(self._by_workspace, workspace_id)


def _running(holder: str, calls: int) -> RateLimited:
    return RateLimited(
        f"This {holder} has {calls} calls running; wait for one to end.", retry_after_s=1
    )


def _subtract_one(counts: dict[Name, int], name: Name) -> None:
    if counts[name] == 1:
        del counts[name]
    else:
        counts[name] -= 1
