"""What is asked of the dashboard: read from its address, and written into it. Pure.

/developers/usage?range=30d&show=credits&by=model&width=1d&compare=1&key=12
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, NamedTuple

from usage.dashboard import spans
from usage.dashboard.spans import Span
from usage.reading import Filters, Grouping, Width
from web import filter_values
from web.filter_values import NO_KEY


class Measure(StrEnum):
    """A figure that the chart can show."""

    CREDITS = "credits"
    REQUESTS = "requests"
    TOKENS = "tokens"
    ERRORS = "errors"
    LATENCY = "latency"


GROUPINGS = (Grouping.MODEL, Grouping.KEY, Grouping.SOURCE, Grouping.TAG)
_DEFAULTS = {"range": "30d", "show": "credits", "by": "model", "table": "key"}
_FILTERS = ("key", "model", "source", "tag")


class Wanted(NamedTuple):
    """The span, the chart and the filters that a person has chosen."""

    span: Span
    measure: Measure
    group_by: Grouping
    table: Grouping
    width: Width
    compares: bool
    filters: dict[str, str]

    @property
    def before(self) -> Span | None:
        """The span that this one is compared with; None if it is not."""
        return self.span.before if self.compares else None

    @property
    def grouping(self) -> Grouping | None:
        """How the chart splits its bars. Errors split by themselves, calls of a tag not at all."""
        if self.measure is Measure.ERRORS and "tag" not in self.filters:
            return Grouping.ERROR
        if self.measure is Measure.LATENCY or "tag" in self.filters:
            return None
        return self._possible(self.group_by)

    @property
    def table_grouping(self) -> Grouping | None:
        """How the table splits the span; not at all for the calls of one tag."""
        return None if "tag" in self.filters else self._possible(self.table)

    def _possible(self, grouping: Grouping) -> Grouping:
        """Return the grouping, or models: sums by tag know neither keys nor models."""
        return Grouping.MODEL if grouping is Grouping.TAG and self.filters else grouping

    @property
    def reading_filters(self) -> Filters:
        """The filters as usage.reading has them."""
        key = self.filters.get("key", "")
        return Filters(
            key_id=int(key) if key.isdecimal() else None,
            is_console=key == NO_KEY,
            model=self.filters.get("model"),
            source=self.filters.get("source"),
            tag=self.filters.get("tag"),
        )

    @property
    def values(self) -> dict[str, str]:
        """The parameters of the address that differ from the page's defaults."""
        days: dict[str, str] = {}
        if self.span.name == spans.CUSTOM:
            last = self.span.until.astimezone(self.span.zone)
            first = self.span.since.astimezone(self.span.zone)
            days = {"from": f"{first:%Y-%m-%d}", "to": f"{_last_day(last):%Y-%m-%d}"}
        chosen = {
            "range": self.span.name,
            "show": self.measure.value,
            "by": self.group_by.value,
            "table": self.table.value,
            "width": "" if self.width is self.span.usual_width else self.width.value,
            "compare": "1" if self.compares else "",
        }
        all_of_it = chosen | days | self.filters
        return {name: text for name, text in all_of_it.items() if text != _DEFAULTS.get(name, "")}

    def address(self, **changed: str) -> str:
        """Return the query of the page with these parameters changed; an empty one is left out."""
        return filter_values.address(self.values | changed)


def parse(params: Mapping[str, str], *, now: datetime, zone: tzinfo) -> Wanted:
    """Read the parameters of an address; what is not understood is left out."""
    span = _span(params, now=now, zone=zone)
    width = _one_of(Width, params.get("width", ""), span.usual_width)
    filters = {
        name: text
        for name in _FILTERS
        if (text := filter_values.text(params, name))
        and (name != "key" or filter_values.is_key(text))
    }
    if "tag" in filters:
        filters = {"tag": filters["tag"]}  # sums by tag know neither keys nor models
    return Wanted(
        span=span,
        measure=_one_of(Measure, params.get("show", ""), Measure.CREDITS),
        group_by=_grouping(params.get("by", ""), Grouping.MODEL),
        table=_grouping(params.get("table", ""), Grouping.KEY),
        width=width if width in span.widths else span.usual_width,
        compares=params.get("compare", "") == "1",
        filters=filters,
    )


def _span(params: Mapping[str, str], *, now: datetime, zone: tzinfo) -> Span:
    first, last = (filter_values.day(params.get(name, "")) for name in ("from", "to"))
    if first is not None and last is not None:
        chosen = spans.custom(first, last, now=now, zone=zone)
        if chosen is not None:
            return chosen
    return spans.preset(params.get("range", ""), now=now, zone=zone)


def _last_day(until: datetime) -> date:
    """Return the last day that a span reaches into: midnight belongs to the day before."""
    return (until - timedelta(microseconds=1)).date()


def _one_of(kind: Any, text: str, otherwise: Any) -> Any:
    return kind(text) if text in {one.value for one in kind} else otherwise


def _grouping(text: str, otherwise: Grouping) -> Grouping:
    return Grouping(text) if text in set(GROUPINGS) else otherwise
