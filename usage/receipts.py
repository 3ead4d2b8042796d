"""The receipt of one call: what it cost, line by line, and how it went."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from catalogue.pricing import TOKENS_PER_PRICE_UNIT
from usage.models import RequestRecord

_PREFIX = "req_"
# A record's `accepted_at` is later than the moment in its id by the time that its body took.
_EARLIER, _LATER = timedelta(minutes=1), timedelta(hours=1)
_YEAR_OF_NO_CALL = 9999  # after its end Python has no moments
_LABELS = {
    "input": "Input",
    "output": "Output",
    "cache_write": "Cache write",
    "cache_write_1h": "Cache write, kept for an hour",
    "cache_read": "Cache read",
}


class ReceiptLine(NamedTuple):
    """One class of tokens, its price in credits per million, and the exact credits they cost."""

    label: str
    model: str
    units: int
    price: int
    credits: Decimal


class Receipt(NamedTuple):
    """A call's lines, their exact sum, and what rounding up added to it."""

    record: RequestRecord
    lines: list[ReceiptLine]
    sum: Decimal

    @property
    def rounding(self) -> Decimal:
        """The part of a credit that was added to charge a whole one."""
        return self.record.credits - self.sum

    @property
    def adds_up(self) -> bool:
        """Whether the lines explain the charge; those of calls cut short do not always."""
        return bool(self.lines) and 0 <= self.rounding < 1

    @property
    def released(self) -> int | None:
        """The credits of the hold that were not charged; None for old records."""
        held = self.record.hold_amount
        return None if held is None else held - self.record.credits


def parse_id(text: str) -> UUID | None:
    """Read a request's id as responses write it: req_ and 32 hex digits."""
    if not text.startswith(_PREFIX):
        return None
    try:
        return UUID(hex=text.removeprefix(_PREFIX))
    except ValueError:
        return None


def find(*, workspace_id: int, request_id: UUID) -> Receipt | None:
    """Return the receipt of a workspace's call.

    The id is time-ordered: it says when the call arrived, and so in which part of the table the
    record is.
    """
    arrived_at = _moment_of(request_id)
    if arrived_at is None:
        return None
    record = (
        RequestRecord.objects.filter(
            workspace_id=workspace_id,
            accepted_at__range=(arrived_at - _EARLIER, arrived_at + _LATER),
            id=request_id,
        )
        .select_related("key")
        .first()
    )
    return _receipt(record) if record else None


def _receipt(record: RequestRecord) -> Receipt:
    lines = [
        ReceiptLine(
            label=_LABELS.get(line["class"], line["class"]),
            model=line["model"],
            units=line["units"],
            price=line["price"],
            credits=Decimal(line["units"] * line["price"]) / TOKENS_PER_PRICE_UNIT,
        )
        for line in record.lines or []
    ]
    return Receipt(record, lines, sum((line.credits for line in lines), Decimal()))


def _moment_of(request_id: UUID) -> datetime | None:
    if request_id.version != 7:
        return None
    try:
        moment = datetime.fromtimestamp((request_id.int >> 80) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment if moment.year < _YEAR_OF_NO_CALL else None
