"""The forms of the billing page: an amount to buy, and the threshold of the low-balance mail."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms

from billing.amounts import (
    LARGEST_CENTS,
    PRESET_DOLLARS,
    SMALLEST_CENTS,
    NotAnAmount,
    cents_of,
    credits_for,
)
from billing.models import LowBalanceThreshold, TopUp

OTHER = "other"
_USUAL = "20"
_SMALLEST, _LARGEST = SMALLEST_CENTS // 100, LARGEST_CENTS // 100
_RANGE = f"Choose an amount from ${_SMALLEST} to ${_LARGEST:,}."


class DollarsField(forms.CharField):
    """An amount of dollars as people type it; its value is in cents, None when it is empty."""

    def __init__(
        self, *, smallest_cents: int, largest_cents: int, out_of_range: str, **kwargs: Any
    ):
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(widget=widget, **kwargs)
        self._range = range(smallest_cents, largest_cents + 1)
        self._out_of_range = out_of_range

    def clean(self, value: Any) -> int | None:
        typed = super().clean(value)
        if not typed:
            return None
        try:
            cents = cents_of(typed)
        except NotAnAmount as error:
            raise forms.ValidationError(str(error)) from None
        if cents not in self._range:
            raise forms.ValidationError(self._out_of_range)
        return cents


@dataclass(frozen=True)
class Preset:
    """An amount on offer, as the label of its choice."""

    dollars: int

    def __str__(self) -> str:
        return f"${self.dollars}"

    @property
    def credits(self) -> int:
        """The credits it buys."""
        return credits_for(self.dollars * 100)


class TopUpForm(forms.Form):
    """An amount. `form_id` becomes the top-up's id, so sending the form twice buys once."""

    form_id = forms.UUIDField(initial=uuid.uuid4, widget=forms.HiddenInput)
    amount = forms.ChoiceField(
        choices=[
            *((str(dollars), Preset(dollars)) for dollars in PRESET_DOLLARS),
            (OTHER, "Another amount"),
        ],
        initial=_USUAL,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose an amount.", "invalid_choice": "Choose an amount."},
    )
    other = DollarsField(
        label="Amount in dollars",
        required=False,
        smallest_cents=SMALLEST_CENTS,
        largest_cents=LARGEST_CENTS,
        out_of_range=_RANGE,
        help_text=f"${_SMALLEST} to ${_LARGEST:,}. One dollar buys {credits_for(100):,} credits.",
    )

    @classmethod
    def of(cls, top_up: TopUp) -> "TopUpForm":
        """Return the form as it was filled in for `top_up`; sent again, it is the same purchase."""
        dollars = Decimal(top_up.amount_cents) / 100
        is_preset = dollars in PRESET_DOLLARS
        typed = {"amount": OTHER, "other": f"{dollars:.2f}"}
        chosen = {"amount": str(int(dollars))} if is_preset else typed
        return cls(initial={"form_id": top_up.pk, **chosen})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if (
            cleaned.get("amount") == OTHER
            and cleaned.get("other") is None
            and "other" not in self.errors
        ):
            self.add_error("other", _RANGE)
        return cleaned

    def amount_cents(self) -> int:
        """Return the amount to pay, before tax."""
        chosen = self.cleaned_data["amount"]
        cents: int = self.cleaned_data["other"] if chosen == OTHER else int(chosen) * 100
        return cents


class LowBalanceForm(forms.Form):
    """The threshold in dollars; empty for no mail."""

    dollars = DollarsField(
        label="Send it below, in dollars",
        required=False,
        smallest_cents=1,
        largest_cents=100_000_000,
        out_of_range="Choose an amount from $0.01 to $1,000,000, or leave it empty for no email.",
        help_text="Leave it empty for no email.",
    )

    @classmethod
    def of(cls, threshold: LowBalanceThreshold | None) -> "LowBalanceForm":
        """Return the form with the current threshold."""
        cents = threshold.credits // credits_for(1) if threshold else None
        return cls(initial={"dollars": cents and f"{Decimal(cents) / 100:.2f}"})

    def credits(self) -> int | None:
        """Return the threshold in credits; None for no mail."""
        cents: int | None = self.cleaned_data["dollars"]
        return None if cents is None else credits_for(cents)
