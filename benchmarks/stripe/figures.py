"""Format durations for printing."""

import statistics
from collections.abc import Sequence


def quantiles(seconds: Sequence[float]) -> str:
    """Format durations as `p50 3 ms, p99 20 ms, at most 31 ms (n=500)`."""
    if len(seconds) < 2:
        return "nothing to measure"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    p50, p99, most = (f"{value * 1000:.0f} ms" for value in (cuts[49], cuts[98], max(seconds)))
    return f"p50 {p50}, p99 {p99}, at most {most} (n={len(seconds)})"
