"""The address of a style sheet or script that is bundled."""

from django import template

from web.bundles import bundle_url

register = template.Library()


@register.simple_tag
def bundle(name: str) -> str:
    """Return the address of a bundle: `{% bundle "site.css" %}`."""
    return bundle_url(name)
