"""Receivers of allauth's signals: grant the welcome credits for verified addresses."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, user_logged_in
from django.dispatch import receiver

from accounts.models import User
from billing.ledger import grants


@receiver(email_confirmed)
def grant_for_confirmed_address(email_address: EmailAddress, **_: Any) -> None:
    """The link in our mail was followed."""
    grants.grant_welcome(user=email_address.user, email=email_address.email)


@receiver(user_logged_in)
def grant_for_provider_address(user: User, **_: Any) -> None:
    """Addresses from Google or GitHub are verified without a mail of ours.

    One indexed lookup per sign-in; an address that has had its credits gets nothing again.
    """
    for address in EmailAddress.objects.filter(user=user, verified=True):
        grants.grant_welcome(user=user, email=address.email)
