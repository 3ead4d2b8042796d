"""Histograms of durations in fixed slots, so that those of several buckets add up. Pure.

usage_slot, a function in PostgreSQL, has the same edges: slot 0 is below the first, slot n begins
at the n-th.
"""

from collections.abc import Sequence

# 2^(k/3) ms, rounded: three slots for each doubling, up to 17 minutes.
EDGES = tuple(sorted({round(2 ** (third / 3)) for third in range(61)}))


def percentile(slots: Sequence[int], counts: Sequence[int], share: float) -> int:
    """Return the duration that this share of the calls did not exceed, in milliseconds.

    `slots` ascend; calls are taken to be spread evenly in a slot. There must be a call.
    """
    rank = share * sum(counts)
    below = 0
    for slot, count in zip(slots, counts, strict=True):
        if count and below + count >= rank:
            low, high = _bounds(slot)
            return round(low + (high - low) * (rank - below) / count)
        below += count
    raise ValueError("a histogram without calls has no percentiles")


def _bounds(slot: int) -> tuple[int, int]:
    low = EDGES[slot - 1] if slot else 0
    return low, EDGES[slot] if slot < len(EDGES) else low * 2
