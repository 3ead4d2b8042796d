"""A key as its row on the page shows it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from keys.models import ApiKey, KeyStatus


class ListedKey(NamedTuple):
    """A key, what it is now, and the credits it has spent this month."""

    key: ApiKey
    status: KeyStatus
    spent_credits: int

    @property
    def is_active(self) -> bool:
        """Whether it opens anything."""
        return self.status is KeyStatus.ACTIVE


def listed_keys(
    keys: Iterable[ApiKey], *, spent: Mapping[int | None, int], now: datetime
) -> list[ListedKey]:
    """Return one row per key, in the order given."""
    return [ListedKey(key, key.status(now=now), spent.get(key.pk, 0)) for key in keys]
