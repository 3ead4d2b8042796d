"""The filter of the ledger's page: read from its address, and written into it. Pure.

/developers/billing/ledger?kind=refund&from=2026-11-01&to=2026-11-30
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from billing.models import EntryKind
from web import filter_values

_ONE_DAY = timedelta(days=1)


class Days(NamedTuple):
    """A choice of days that the page offers, as the parameters of its address."""

    name: str
    label: str
    first: date | None
    last: date | None


class LedgerFilter(NamedTuple):
    """The movements that are asked for. Days are those of `zone`; None leaves an end open."""

    kind: EntryKind | None
    first: date | None
    last: date | None
    zone: tzinfo

    @property
    def since(self) -> datetime | None:
        """The first moment of it, in UTC."""
        return None if self.first is None else filter_values.midnight(self.first, self.zone)

    @property
    def until(self) -> datetime | None:
        """The first moment after it, in UTC."""
        if self.last is None:
            return None
        return filter_values.midnight(self.last + _ONE_DAY, self.zone)

    @property
    def is_narrow(self) -> bool:
        """Whether movements can be left out."""
        return (self.kind, self.first, self.last) != (None, None, None)

    @property
    def is_backwards(self) -> bool:
        """Whether the last day is before the first."""
        return self.first is not None and self.last is not None and self.last < self.first

    def address(self, **more: str) -> str:
        """Return the query of the page with this filter and these parameters."""
        values = {
            "kind": self.kind or "",
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
            **more,
        }
        return filter_values.address(values)

    def between(self, first: date | None, last: date | None) -> "LedgerFilter":
        """Return the filter with other days."""
        return self._replace(first=first, last=last)


def parse(params: Mapping[str, str], *, zone: tzinfo) -> LedgerFilter:
    """Read the parameters of an address; what is not understood is left out."""
    kind = params.get("kind", "")
    return LedgerFilter(
        EntryKind(kind) if kind in EntryKind.values else None,
        filter_values.day(params.get("from", "")),
        filter_values.day(params.get("to", "")),
        zone,
    )


def offered_days(today: date) -> list[Days]:
    """Return the choices of days that need no calendar."""
    this_month = today.replace(day=1)
    end_of_last = this_month - _ONE_DAY
    return [
        Days("all", "All", None, None),
        Days("month", "This month", this_month, today),
        Days("last-month", "Last month", end_of_last.replace(day=1), end_of_last),
    ]
