"""Directives: what `{{ name argument }}` in a page's Markdown stands for.

    {{ public_url }}          VALUES: a value inside a line
    {{ models }}              BLOCKS: alone on a line; Markdown that is computed
    {{ sample first-call }}   BOXES: alone on a line; a box on the page, plain Markdown in its .md

A page's .md holds none of them: `markdown` replaces them all. `markdown_with_boxes` leaves a fence
in the place of each box, ```{sample} first-call, which docs_site/rendering/html.py draws.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from django.conf import settings

from docs_site.boxes import answer, fields, first_key, live_limits, own, sample
from docs_site.boxes.reader import Reader
from docs_site.rendering import computed_blocks
from docs_site.source.page import Page
from docs_site.tables import errors, events, headers, limits, models, money
from gateway.pipeline.attempts import MOST_ATTEMPTS
from gateway.upstreams.circuit_breaker import OPEN_FOR_S

_DIRECTIVE = re.compile(r"\{\{ *([a-z_]+)(?: +([\w/.-]+))? *\}\}")


class Box(NamedTuple):
    """The two forms of a box: Markdown of its argument, HTML of argument, reader and element id."""

    markdown: Callable[[str], str]
    html: Callable[[str, Reader, str], str]


class UnknownDirective(LookupError):
    """A page uses a directive that does not exist or cannot be resolved; names page and line."""


VALUES: dict[str, Callable[[], str]] = {
    "public_url": lambda: settings.PUBLIC_URL,
    "typical_chat": models.typical_chat,
    "top_up_range": money.top_up_range,
    "attempts": lambda: str(MOST_ATTEMPTS),
    "keep_alive_s": lambda: f"{settings.KEEP_ALIVE_EVERY_S:g}",
    "breaker_open_s": lambda: f"{OPEN_FOR_S:g}",
    "audit_every_s": lambda: f"{settings.CELERY_BEAT_SCHEDULE['ledger-audit']['schedule']:g}",
}

BLOCKS: dict[str, Callable[[str], str]] = {
    "welcome": money.welcome,
    "models": models.models,
    "prices": models.prices,
    "price_changes": models.price_changes,
    "life_cycle": models.life_cycle,
    "errors": errors.errors,
    "error_headers": errors.error_headers,
    "events": events.events,
    "request_headers": headers.request_headers,
    "response_headers": headers.response_headers,
    "rates": limits.rates,
    "sizes": limits.sizes,
    "times": limits.times,
}

BOXES: dict[str, Box] = {
    "sample": Box(sample.markdown, sample.html),
    "answer": Box(answer.markdown, answer.html),
    "fields": Box(fields.markdown, fields.html),
    "first_key": Box(first_key.markdown, first_key.html),
    "live_limits": Box(live_limits.markdown, live_limits.html),
    "own": Box(own.markdown, own.html),
}


def markdown(page: Page) -> str:
    """Return the page's body as plain Markdown."""
    return _expanded(page, _plain)


def markdown_with_boxes(page: Page) -> str:
    """Return the page's body as Markdown with a fence in the place of each box."""
    return _expanded(page, _boxed)


def without_directives(page: Page) -> str:
    """Return the body without what directives stand for: it costs no query."""
    return _DIRECTIVE.sub("", page.body)


def _plain(name: str, argument: str) -> str:
    return BOXES[name].markdown(argument)


def _boxed(name: str, argument: str) -> str:
    return f"```{{{name}}} {argument}\n```"


def _expanded(page: Page, box: Callable[[str, str], str]) -> str:
    def replaced(match: re.Match[str]) -> str:
        try:
            return _text(match[1], match[2] or "", box)
        except LookupError as error:
            line = page.first_line + page.body.count("\n", 0, match.start())
            raise UnknownDirective(f"{page.slug}.md, line {line}: {match[0]}: {error}") from error

    return _DIRECTIVE.sub(replaced, page.body)


def _text(name: str, argument: str, box: Callable[[str, str], str]) -> str:
    if name in BOXES and argument:
        return box(name, argument)
    if name in BLOCKS:
        return computed_blocks.text_of(name, argument, BLOCKS[name])
    return VALUES[name]()
