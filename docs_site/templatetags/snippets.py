"""Ready-made calls for pages of any app; views below this app cannot import them."""

from django import template

from docs_site.examples import snippets
from web.code_blocks import CodeSample

register = template.Library()


@register.simple_tag
def first_call_snippets(token: str | None = None) -> tuple[CodeSample, ...]:
    """Return the smallest call in every language, for `{% samples %}`."""
    return snippets.first_call(token=token)


@register.simple_tag
def streaming_curl(token: str | None = None) -> str:
    """Return the smallest streaming call for a shell, for `{% code %}`."""
    return snippets.curl(token=token, is_stream=True)


@register.simple_tag
def export_line(token: str) -> str:
    """Return the line that sets the environment variable the snippets read."""
    return snippets.export_line(token)
