"""The form of the alerts page: the lines, in dollars; an empty one sends no mail."""

from decimal import Decimal

from django import forms

from accounts import time_zones
from billing.amounts import credits_for
from billing.models import LowBalanceThreshold
from billing.pages.forms import DollarsField
from usage.models import SpendAlerts

_LARGEST_CENTS = 100_000_000


def _amount(label: str, help_text: str) -> DollarsField:
    return DollarsField(
        label=label,
        required=False,
        smallest_cents=1,
        largest_cents=_LARGEST_CENTS,
        out_of_range="Choose an amount from $0.01 to $1,000,000, or leave it empty for no email.",
        help_text=help_text,
    )


class AlertsForm(forms.Form):
    """Each amount in dollars; its value is in cents, None for no mail."""

    low_balance = _amount(
        "Balance below, in dollars", "One email each time the balance falls below it."
    )
    day_line = _amount("Spent in a day over, in dollars", "One email on each day that spends more.")
    time_zone = forms.ChoiceField(
        label="Days of",
        choices=lambda: [(name, name) for name in time_zones.names()],
        help_text="A day begins at midnight of this time zone.",
    )
    key_floor = _amount(
        "Unusual hour of a key, from, in dollars",
        "One email when a key spends more than three times its usual busy hour, "
        "and at least this much.",
    )

    @classmethod
    def of(
        cls, threshold: LowBalanceThreshold | None, spend: SpendAlerts | None, *, time_zone: str
    ) -> "AlertsForm":
        """Return the form with the current lines."""
        return cls(
            initial={
                "low_balance": _dollars(threshold.credits if threshold else None),
                "day_line": _dollars(spend.day_line if spend else None),
                "time_zone": spend.time_zone if spend else time_zone,
                "key_floor": _dollars(spend.key_floor if spend else None),
            }
        )

    def credits(self, name: str) -> int | None:
        """Return a line in credits; None for no mail."""
        cents: int | None = self.cleaned_data[name]
        return None if cents is None else credits_for(cents)


def _dollars(credits: int | None) -> str:
    """Write a line as it was typed."""
    return "" if credits is None else f"{Decimal(credits) / credits_for(100):.2f}"
