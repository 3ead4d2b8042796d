"""The rows of the page that lists keys."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from keys.models import ApiKey, KeyStatus


class KeyRow(NamedTuple):
    """A key, its status now, and the credits it has spent this month."""

    key: ApiKey
    status: KeyStatus
    spent_credits: int

    @property
    def is_active(self) -> bool:
        """Whether calls with it are accepted."""
        return self.status is KeyStatus.ACTIVE


def key_rows(
    keys: Iterable[ApiKey], *, spent: Mapping[int | None, int], now: datetime
) -> list[KeyRow]:
    """Return one row per key, in the order given."""
    return [KeyRow(key, key.status(now=now), spent.get(key.pk, 0)) for key in keys]
