"""The addresses and forms of the pages about top-ups."""

from typing import Any
from uuid import UUID, uuid4

from django.test import Client

from billing.models import TopUp

PAGE = "/developers/billing"
FORM = f"{PAGE}/top-ups"


def filled_in(amount: str = "20", other: str = "", form_id: UUID | None = None) -> dict[str, Any]:
    return {"form_id": form_id or uuid4(), "amount": amount, "other": other}


def buy(shopper: Client, amount: str = "20", other: str = "") -> TopUp:
    """Send the form; the response leads to Stripe's page."""
    form = filled_in(amount, other)
    assert shopper.post(FORM, form).status_code == 302
    return TopUp.objects.get(pk=form["form_id"])


def page_of(top_up: TopUp) -> str:
    return f"{FORM}/{top_up.pk}"
