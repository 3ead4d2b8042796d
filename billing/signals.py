"""Receivers of allauth's signals: grant the welcome credits for verified addresses."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, user_logged_in
from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from billing.errors import TooManyFromNetwork
from billing.ledger import welcome
from web.networks import network_of

_ANOTHER_DAY = (
    "Several new accounts of your network got welcome credits today. "
    "Yours come when you sign in on another day."
)


@receiver(email_confirmed)
def grant_for_confirmed_address(
    request: HttpRequest, email_address: EmailAddress, **_: Any
) -> None:
    """The link in our mail was followed. A refusal is explained at the sign-in that follows."""
    _grant(request, email_address)


@receiver(user_logged_in)
def grant_for_provider_address(request: HttpRequest, user: User, **_: Any) -> None:
    """Addresses from Google or GitHub are verified without a mail of ours.

    Two indexed lookups per sign-in; a person or wallet that has had its credits gets nothing again.
    """
    verified = list(EmailAddress.objects.filter(user=user, verified=True))
    granted = [_grant(request, address) for address in verified]
    if not all(granted):
        messages.info(request, _ANOTHER_DAY)


def _grant(request: HttpRequest, address: EmailAddress) -> bool:
    """Return False if the network has had its share of the day."""
    network = network_of(get_adapter(request).get_client_ip(request))
    try:
        welcome.grant_welcome(user=address.user, email=address.email, network=network)
    except TooManyFromNetwork:
        return False
    return True
