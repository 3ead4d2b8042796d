"""The form that creates a key."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from catalogue.models import Model
from web.names import visible_name

_NEVER, _ON = "never", "on"
_EXPIRIES = [
    (_NEVER, "Never"),
    ("30", "In 30 days"),
    ("90", "In 90 days"),
    ("365", "In a year"),
    (_ON, "On a date of your choice"),
]
_FARTHEST = timedelta(days=36_525)
_OUT_OF_DATE = "This form is out of date. Reload the page and send it again."


class CreateKeyForm(forms.Form):
    """Name, expiry, allowed models. `form_id` makes sending the form twice harmless."""

    form_id = forms.UUIDField(
        initial=uuid.uuid4,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("required", "invalid"), _OUT_OF_DATE),
    )
    name = forms.CharField(
        max_length=80,
        help_text="What uses the key, so that you know later which one to revoke.",
        error_messages={"required": "Give the key a name."},
    )
    expiry = forms.ChoiceField(label="Expires", choices=_EXPIRIES, initial=_NEVER)
    expires_on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="For a date of your choice. The key works to the end of that day, UTC.",
    )
    allowed_models = forms.MultipleChoiceField(
        label="Only these models",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Without a tick the key may call every model.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        models = Model.objects.offered(on=timezone.now().date()).order_by("public_id")
        choices = [(model.public_id, f"{model.name} ({model.public_id})") for model in models]
        self.fields["allowed_models"].choices = choices  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name = visible_name(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError("Give the key a name that can be seen.")
        return name

    def clean_expires_on(self) -> date | None:
        last_day: date | None = self.cleaned_data["expires_on"]
        if last_day is None:
            return None
        today = timezone.now().date()
        if last_day < today:
            raise forms.ValidationError("That day is over. Choose today or a later one.")
        if last_day - today > _FARTHEST:  # date.max has no day after it, see expires_at()
            raise forms.ValidationError(
                "That day is too far away. Choose one of the next hundred years."
            )
        return last_day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        has_no_day = cleaned.get("expires_on") is None and "expires_on" not in self.errors
        if cleaned.get("expiry") == _ON and has_no_day:
            self.add_error("expires_on", "Choose the last day on which the key works.")
        return cleaned

    def expires_at(self) -> datetime | None:
        """Return the moment from which the key is refused, or None for never."""
        expiry = self.cleaned_data["expiry"]
        if expiry == _NEVER:
            return None
        if expiry == _ON:
            day_after = self.cleaned_data["expires_on"] + timedelta(days=1)
            return datetime.combine(day_after, time(), UTC)
        return timezone.now() + timedelta(days=int(expiry))
