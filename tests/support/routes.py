"""Every route of the portal, read from Django's resolver."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

# Routes of libraries, which declare no policy, and why that is safe.
FOREIGN = {
    "accounts/": "allauth guards each of its views itself; tests/accounts uses them",
    "admin/": "Django's admin asks for staff on each view; signing in there is allauth's",
}


class Route(NamedTuple):
    """An address pattern and its view."""

    pattern: str
    view: Any

    @property
    def policy(self) -> str | None:
        """The access policy that the view declares, if it does."""
        return getattr(self.view, "access_policy", None)


def all_routes() -> list[Route]:
    """Return every route."""
    return list(_walk(get_resolver().url_patterns, ""))


def our_routes() -> list[Route]:
    """Return the routes of our own apps."""
    return [route for route in all_routes() if not route.pattern.startswith(tuple(FOREIGN))]


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        else:
            yield Route(path, pattern.callback)
