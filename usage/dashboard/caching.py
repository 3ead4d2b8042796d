"""What reading from the prompt cache has saved, and what writing to it has cost. Pure.

Each bucket is priced with the row in force when it began.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from catalogue.pricing import Price
from usage.reading import UsageRow

_PER = 1_000_000
# A model's prices, each with the moment from which it is in force, oldest first.
Prices = Mapping[str, Sequence[tuple[datetime, Price]]]


class Caching(NamedTuple):
    """Tokens of input by class, and what the cache changed of their price, in credits."""

    read: int
    written: int
    uncached: int
    reads_saved: int
    writes_cost: int

    @property
    def all_input(self) -> int:
        """All tokens of input."""
        return self.read + self.written + self.uncached

    @property
    def share_read(self) -> float:
        """The part of the input that was read from the cache."""
        return self.read / self.all_input if self.all_input else 0.0

    @property
    def share_written(self) -> float:
        """The part of the input that was written to the cache."""
        return self.written / self.all_input if self.all_input else 0.0

    @property
    def saved(self) -> int:
        """What caching has saved on the whole; below 0 it has cost more than it saved."""
        return self.reads_saved - self.writes_cost


def caching(rows: Iterable[UsageRow], prices: Prices) -> Caching:
    """Add up rows that are grouped by model; of rows without groups no savings are known."""
    read = written = uncached = 0
    saved = cost = Decimal()
    for row in rows:
        read += row.cache_read_input_tokens
        written += row.cache_creation_input_tokens
        uncached += row.input_tokens
        model = str(row.group[0]) if row.group else ""
        price = _in_force(prices.get(model, ()), row.starts_at)
        if price is not None:
            saved += Decimal(row.cache_read_input_tokens * (price.input - price.cache_read))
            for_an_hour = row.cache_creation_1h_input_tokens
            usual = row.cache_creation_input_tokens - for_an_hour
            cost += Decimal(usual * (price.cache_write - price.input))
            cost += Decimal(for_an_hour * (price.cache_write_1h - price.input))
    return Caching(read, written, uncached, round(saved / _PER), round(cost / _PER))


def _in_force(rows: Sequence[tuple[datetime, Price]], at: datetime) -> Price | None:
    begun = [price for since, price in rows if since <= at]
    return begun[-1] if begun else (rows[0][1] if rows else None)
