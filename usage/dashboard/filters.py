"""The form of the dashboard's filters."""

from collections.abc import Mapping, Sequence

from django.urls import reverse

from billing.models import Source
from usage.dashboard import spans, words
from usage.dashboard.wanted import GROUPINGS, Wanted
from web.filter_form import Check, Choice, FilterForm, Kept, More, Text, Time
from web.filter_values import NO_KEY

_GROUPINGS = [(one.value, words.GROUPS[one]) for one in GROUPINGS]


def form(wanted: Wanted, key_names: Mapping[int, str], models: Sequence[str]) -> FilterForm:
    """Return the form; it keeps the chart, the table, the width of a bar and the range."""
    values = wanted.values
    kept = {name: values.get(name, "") for name in ("width", "range")}
    if kept["range"] == spans.CUSTOM:  # its days are fields
        del kept["range"]
    before = wanted.before
    compared = (
        f" with {words.short_days(before.since, before.until, before.zone)}" if before else ""
    )
    keys = [*((f"{pk}", name) for pk, name in key_names.items()), (NO_KEY, "Console")]
    sources = [(source.value, source.label) for source in Source]

    def chosen(name: str) -> str:
        return wanted.filters.get(name, "")

    return FilterForm(
        prefix="usage",
        url=reverse("usage:usage"),
        part="dashboard",
        fields=[
            Kept("show", wanted.measure),
            Kept("table", wanted.table),
            *(Kept(name, value) for name, value in kept.items() if value),
            Choice("by", "Group by", _GROUPINGS, wanted.group_by, empty=""),
            Choice("key", "Key", keys, chosen("key")),
            Choice("model", "Model", [(one, one) for one in models], chosen("model")),
            Choice("source", "Source", sources, chosen("source")),
            Text("tag", "Tag", chosen("tag")),
            Check("compare", f"Compare{compared}", wanted.compares),
            More(
                "days",
                "Other days",
                [
                    Time("from", "From", values.get("from", "")),
                    Time("to", "To", values.get("to", "")),
                ],
            ),
        ],
    )
