"""Form controls, as components/field.html needs them."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def is_first_error(field: BoundField) -> bool:
    """Whether this is the first visible field of its form with an error."""
    wrong = (other.name for other in field.form.visible_fields() if other.errors)
    return next(wrong, None) == field.name


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """Render a field's control; the form's first one with an error gets the focus."""
    attributes: dict[str, str | bool] = {}
    if is_first_error(field):
        attributes["autofocus"] = True
    # allauth's placeholders repeat the label: one looks like a value and vanishes on typing.
    field.field.widget.attrs.pop("placeholder", None)
    return field.as_widget(attrs=attributes)
