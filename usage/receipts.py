"""The receipt of one call: how its charge adds up, and what it did to the balance. Pure.

Input        1,284 * 300,000 / 1,000,000 =   385.200
Output         912 * 1,500,000           = 1,368.000
Rounded up, once                         +     0.800
Charged                                      1,754
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from catalogue.pricing import TOKENS_PER_PRICE_UNIT, TOOLS, credits_per_1k
from usage.lookup import Entry, Found
from usage.records import Record, RecordLine

_LABELS = {
    "input": "Input",
    "output": "Output",
    "cache_write": "Cache write",
    "cache_write_1h": "Cache write, kept for an hour",
    "cache_read": "Cache read",
    "web_search": "Web searches",
    "web_fetch": "Web pages fetched",
    "code_execution": "Runs of code",
}
# The parts of a charge keep their colours on every page.
_RANKS = {"input": 1, "cache_write": 2, "cache_write_1h": 2, "cache_read": 3, "output": 4}
_RANK_OF_OTHERS = 5


class ReceiptLine(NamedTuple):
    """One class of tokens or uses, its price in credits per million since `price_from`, and their
    exact product in millionths of a credit."""

    token_class: str
    model: str
    units: int
    price: int
    price_from: datetime | None

    @property
    def millionths(self) -> int:
        """The exact cost in millionths of a credit."""
        return self.units * self.price

    @property
    def credits(self) -> Decimal:
        """The exact cost in credits."""
        return _in_credits(self.millionths)

    @property
    def is_of_uses(self) -> bool:
        """Whether it counts uses of a tool, which are priced by the thousand, not tokens."""
        return self.token_class in TOOLS

    @property
    def price_shown(self) -> int:
        """Credits per million tokens, or per 1,000 uses."""
        return credits_per_1k(self.price) if self.is_of_uses else self.price

    @property
    def label(self) -> str:
        """The class for a person."""
        return _LABELS.get(self.token_class, self.token_class)

    @property
    def rank(self) -> int:
        """The number of its colour."""
        return _RANKS.get(self.token_class, _RANK_OF_OTHERS)


class Hold(NamedTuple):
    """What a call held and what of it was released; the balances are those of its ledger entry,
    None for a call that was not charged."""

    amount: int
    charged: int
    balance_after: int | None

    @property
    def released(self) -> int:
        """The credits that were held and not charged."""
        return self.amount - self.charged

    @property
    def balance_before(self) -> int | None:
        """The balance right before the call's ledger entry."""
        return None if self.balance_after is None else self.balance_after + self.charged

    @property
    def charged_percent(self) -> float:
        """The charged part of what was held."""
        return round(100 * self.charged / self.amount, 2) if self.amount else 0


class Receipt(NamedTuple):
    """A call and how its charge comes about."""

    record: Record
    lines: tuple[ReceiptLine, ...]
    entry: Entry | None

    @property
    def millionths(self) -> int:
        """The exact sum of the lines, in millionths of a credit."""
        return sum(line.millionths for line in self.lines)

    @property
    def sum(self) -> Decimal:
        """The exact sum of the lines, in credits."""
        return _in_credits(self.millionths)

    @property
    def cost(self) -> int:
        """The sum rounded up, once, to a whole credit."""
        return -(-self.millionths // TOKENS_PER_PRICE_UNIT)

    @property
    def rounding(self) -> Decimal:
        """The part of a credit that rounding added."""
        return self.cost - self.sum

    @property
    def not_charged(self) -> int:
        """The part of the cost above what was held, which is our loss."""
        return self.cost - self.record.credits if self.lines else 0

    @property
    def agrees_with_ledger(self) -> bool:
        """Whether the ledger has the same amount: an entry, or none for a call that is free."""
        amount = 0 if self.entry is None else -self.entry.amount
        return amount == self.record.credits

    @property
    def hold(self) -> Hold | None:
        """What was held; None for a call that held nothing, and for old records."""
        amount, charged = self.record.hold_amount, self.record.credits
        return None if amount is None else Hold(amount, charged, self.record.balance_after)

    def share_of(self, line: ReceiptLine) -> float:
        """Return a line's percentage of the sum."""
        return round(100 * line.millionths / self.millionths, 2) if self.millionths else 0

    @property
    def parts(self) -> list[tuple[ReceiptLine, float, float]]:
        """Return each line with where its part of the sum begins and how long it is, in percent."""
        parts, begins = [], 0.0
        for line in self.lines:
            parts.append((line, round(begins, 2), self.share_of(line)))
            begins += self.share_of(line)
        return parts


def receipt_of(found: Found) -> Receipt:
    """Return the receipt of a call."""
    lines = sorted((_line(line, found) for line in found.record.lines or ()), key=_rank)
    return Receipt(found.record, tuple(lines), found.entry)


def _rank(line: ReceiptLine) -> int:
    return line.rank


def _line(line: RecordLine, found: Found) -> ReceiptLine:
    return ReceiptLine(
        token_class=line.token_class,
        model=line.model,
        units=line.units,
        price=line.price,
        price_from=found.prices_from.get(line.price_id),
    )


def _in_credits(millionths: int) -> Decimal:
    return Decimal(millionths) / TOKENS_PER_PRICE_UNIT
