"""The table of a stream's events."""

from docs_site.openapi import document
from docs_site.tables.markdown_table import table


def events(_: str) -> str:
    """Return each event and what it means."""
    rows = [
        (f"`{name}`", _about(schema["$ref"].rpartition("/")[2]))
        for name, schema in document.events().items()
    ]
    return table(("Event", "Meaning"), rows)


def _about(name: str) -> str:
    if name == "Error":
        return "The answer broke off: the last event, and nothing is charged."
    return str(document.schemas()[name]["description"])
