"""Sums of a workspace's usage: per bucket of time and per group, right to the second.

`usage` is for pages, `usage_async` for the gateway: both answer one `Question` in one statement,
and so of one snapshot. Rows come from roll-ups of whole quarter hours, and from the request records
where those do not suffice.
"""

from usage.reading.question import Filters, Grouping, Question, Width
from usage.reading.read import (
    Overview,
    State,
    latencies,
    overview,
    state_of,
    usage,
    usage_async,
)
from usage.reading.rows import Latency, Percentiles, UsageRow, regrouped

__all__ = [
    "Filters",
    "Grouping",
    "Latency",
    "Overview",
    "Percentiles",
    "Question",
    "State",
    "UsageRow",
    "Width",
    "latencies",
    "overview",
    "regrouped",
    "state_of",
    "usage",
    "usage_async",
]
