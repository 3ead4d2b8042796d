"""The buckets and groups that GET /v1/usage offers."""

from enum import StrEnum

from usage.reading import Grouping as AnyGrouping
from usage.reading import Width

SUMS = (
    "requests",
    "errors",
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "credits",
)


class Bucket(StrEnum):
    """The length of a bucket; it begins on the hour or at midnight, UTC."""

    HOUR = "1h"
    DAY = "1d"

    @property
    def width(self) -> Width:
        """The same length, as `usage.reading` names it."""
        return Width(self.value)


class Grouping(StrEnum):
    """The ways to split a bucket."""

    MODEL = "model"
    KEY = "key"
    SOURCE = "source"

    @property
    def of_reading(self) -> AnyGrouping:
        """The same, as `usage.reading` names it."""
        return AnyGrouping(self.value)
