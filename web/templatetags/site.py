"""The operator's names and addresses, for pages that are rendered without a request too."""

from django import template

from web.operator import Operator
from web.operator import operator as from_settings

register = template.Library()


@register.simple_tag
def operator() -> Operator:
    """Return who runs this installation."""
    return from_settings()
