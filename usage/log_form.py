"""The form of the log: it offers all keys, and the values that calls of the range have."""

from collections.abc import Iterable, Mapping

from django.urls import reverse

from billing.models import Source
from usage import log_filters
from usage.log_filters import LogFilter
from usage.request_log import SeenValues
from web.filter_form import Choice, FilterForm, More, Search, Time
from web.filter_values import NO_KEY

_STATUSES = [
    (log_filters.SUCCEEDED, "succeeded"),
    (log_filters.FAILED, "with an error"),
    *((f"{code}", f"{code}") for code in log_filters.STATUSES),
]
_RANGES = [(name, label.lower()) for name, (label, _) in log_filters.RANGES.items()]


def form(wanted: LogFilter, key_names: Mapping[str, str], seen: SeenValues) -> FilterForm:
    """Return the form; keys are named by their ids."""

    def choice(name: str, label: str, values: Iterable[str], empty: str = "any") -> Choice:
        return Choice(name, label, [(one, one) for one in values], chosen(name), empty)

    def chosen(name: str) -> str:
        return wanted.values.get(name, "")

    keys = [*key_names.items(), (NO_KEY, "Console")]
    sources = [(source.value, source.label) for source in Source]
    return FilterForm(
        prefix="log",
        url=reverse("usage:requests"),
        part="requests",
        fields=[
            Search("q", "Request id, tag or session", chosen("q")),
            Choice("status", "Status", _STATUSES, chosen("status"), "any"),
            Choice("range", "Time", _RANGES, wanted.range_name, empty=""),
            Choice("key", "Key", keys, chosen("key")),
            choice("model", "Model", seen.models, "all"),
            More(
                "more",
                "Filter",
                [
                    choice("error", "Error", seen.errors),
                    choice("stop", "Stop reason", seen.stops),
                    choice("tag", "Tag", seen.tags),
                    choice("session", "Session", seen.sessions),
                    Choice("source", "Source", sources, chosen("source"), "any"),
                    Time("from", "From, UTC", chosen("from"), "datetime-local"),
                    Time("to", "Until, UTC", chosen("to"), "datetime-local"),
                ],
            ),
        ],
    )
