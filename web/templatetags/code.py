"""Code blocks with a copy button, which names its block by id."""

from collections.abc import Iterable
from typing import Any

from django import template

from web.code_blocks import CodeSample, highlighted

register = template.Library()


@register.inclusion_tag("components/code.html")
def code(text: str, *, id: str, language: str = "text", title: str = "") -> dict[str, Any]:
    """Show `text` in a box; without a title it is a single line with its button beside it."""
    return {"html": highlighted(text, language), "id": id, "language": language, "title": title}


@register.inclusion_tag("components/samples.html")
def samples(several: Iterable[CodeSample], *, id: str, title: str) -> dict[str, Any]:
    """Show one call in several languages, as tabs; `title` is for screen readers."""
    rendered = [
        {
            "id": f"{id}-{sample.language}",
            "language": sample.language,
            "label": sample.label,
            "html": highlighted(sample.text, sample.language),
        }
        for sample in several
    ]
    return {"samples": rendered, "id": id, "title": title}
