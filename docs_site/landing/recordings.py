"""Recorded answers of the landing page: docs_site/landing/recordings.json."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path

import msgspec

from catalogue.pricing import TOKENS_PER_PRICE_UNIT
from docs_site.source.file_stamps import Stamp, stamp
from usage.records import RecordLine

FILE = Path(__file__).resolve().parent / "recordings.json"


class RecordedAnswer(msgspec.Struct, frozen=True):
    """A real answer to one of the demo's questions, as `manage.py record_landing` wrote it.

    `number` is the question's. `lines` are those of the request record; times are milliseconds.
    """

    number: int
    question: str
    answer: str
    model: str
    input_tokens: int
    output_tokens: int
    credits: int
    held: int
    first_ms: int
    total_ms: int
    lines: tuple[RecordLine, ...]
    recorded_at: datetime

    @property
    def charged_percent(self) -> float:
        """The charged part of what was held."""
        return round(100 * self.credits / self.held, 2)

    @property
    def sum(self) -> str:
        """The exact cost in credits, before it was rounded up."""
        millionths = sum(line.units * line.price for line in self.lines)
        return f"{millionths / TOKENS_PER_PRICE_UNIT:,.3f}".rstrip("0").rstrip(".")


def recordings() -> tuple[RecordedAnswer, ...]:
    """Return all recorded answers."""
    return _load(stamp([FILE]))


@lru_cache(maxsize=8)
def _load(_: Stamp) -> tuple[RecordedAnswer, ...]:
    return msgspec.json.decode(FILE.read_bytes(), type=tuple[RecordedAnswer, ...])
