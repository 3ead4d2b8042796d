"""What is usual for a key, and what is far above it. Pure.

The usual is a high quantile of the hours with charged calls of the last four weeks. A nightly batch
job is usual in this way, though most hours are far below it, and one earlier outlier is not.
"""

from collections.abc import Sequence
from datetime import timedelta

WINDOW = timedelta(weeks=4)
FACTOR = 3
_QUANTILE = 0.98


def usual(hours: Sequence[int]) -> int:
    """Return the usual credits of a busy hour, from those of earlier hours; 0 without any."""
    charged = sorted(credits for credits in hours if credits > 0)
    return charged[int(_QUANTILE * (len(charged) - 1))] if charged else 0


def is_far_above(credits: int, *, usual: int, floor: int) -> bool:
    """Return whether an hour's credits are worth a mail; below the floor they never are."""
    return credits >= floor and credits > FACTOR * usual
