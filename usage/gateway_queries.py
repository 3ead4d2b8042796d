"""Usage by hour or day, for GET /v1/usage, in plain SQL: on the event loop there is no ORM."""

from collections.abc import Sequence
from enum import StrEnum

from usage.summary import SUMMED_ROWS

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
    def unit(self) -> str:
        """Its unit in date_trunc."""
        return "hour" if self is Bucket.HOUR else "day"


class Grouping(StrEnum):
    """The ways to split a bucket."""

    MODEL = "model"
    KEY = "key"
    SOURCE = "source"

    @property
    def column(self) -> str:
        """Its column in `summed`."""
        return "key_id" if self is Grouping.KEY else self.value


def query(bucket: Bucket, groupings: Sequence[Grouping]) -> str:
    """Return the query for the parameters of SUMMED_ROWS.

    Its columns: the bucket's start, the groupings in their order, then SUMS. Buckets without calls
    have no row.
    """
    start = f"date_trunc('{bucket.unit}', starts_at, 'UTC')"
    keys = ", ".join([start, *(grouping.column for grouping in groupings)])
    sums = ", ".join(f"sum({name})::bigint" for name in SUMS)
    select = f"SELECT {keys}, {sums} FROM summed GROUP BY {keys} ORDER BY {keys}"  # noqa: S608
    return SUMMED_ROWS + select  # every name is a constant from above, none from a caller
