"""Form controls, as components/field.html needs them."""

from django import template
from django.forms import BoundField, PasswordInput
from django.template import Context
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def is_first_error(field: BoundField) -> bool:
    """Whether this is the first visible field of its form with an error.

    An error of the whole form beside a password is about the password: the address is typed once
    and stays, the password has to be typed again.
    """
    fields = field.form.visible_fields()
    wrong = [other.name for other in fields if other.errors]
    if not wrong and field.form.non_field_errors():
        wrong = [other.name for other in fields if _is_password(other)]
    return wrong[:1] == [field.name]


@register.filter
def is_password(field: BoundField) -> bool:
    """Whether what is typed into it is hidden."""
    return _is_password(field)


@register.simple_tag(takes_context=True)
def control(context: Context, field: BoundField) -> SafeString:
    """Render a field's control; the form's first one with an error gets the focus.

    With `focus` in the context the first one has it anyway: filling it in is the page's purpose.
    """
    attributes: dict[str, str | bool] = {}
    if is_first_error(field) or (context.get("focus") and _begins_form(field)):
        attributes["autofocus"] = True
    # allauth's placeholders repeat the label: one looks like a value and vanishes on typing.
    field.field.widget.attrs.pop("placeholder", None)
    return field.as_widget(attrs=attributes)


def _is_password(field: BoundField) -> bool:
    return isinstance(field.field.widget, PasswordInput)


def _begins_form(field: BoundField) -> bool:
    """Whether it is the first field that is still empty, in a form that was not sent yet."""
    if field.form.is_bound:
        return False
    empty = (other.name for other in field.form.visible_fields() if not other.value())
    return next(empty, None) == field.name
