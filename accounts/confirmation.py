"""Sends the mail that confirms an address again, and says when it is too early for that.

Somebody who signs up with the address of an account that exists sees the same pages and the same
limits as anybody else: the mail alone tells its owner.
"""

import time

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from django.contrib import messages
from django.http import HttpRequest

from accounts.models import User

# allauth's own limit, which also holds for other browsers: ACCOUNT_EMAIL_CONFIRMATION_COOLDOWN.
INTERVAL_S = 180
_SESSION_KEY = "confirmation_sent"
_TOO_EARLY = (
    "A mail was sent less than three minutes ago. Look for it in the spam folder too; "
    "if it has not come by then, send another."
)


def note_sent(request: HttpRequest, email: str) -> None:
    """Remember to which address this browser's sign-up has sent a mail, and when."""
    request.session[_SESSION_KEY] = [email, time.time()]


def is_known(request: HttpRequest) -> bool:
    """Whether this browser has signed up, so that a mail can be sent again."""
    return _SESSION_KEY in request.session


def send_again(request: HttpRequest) -> None:
    """Send the mail of this browser's sign-up once more, or say why not."""
    email, sent_at = request.session[_SESSION_KEY]
    if time.time() - sent_at < INTERVAL_S:
        messages.info(request, _TOO_EARLY)
        return
    note_sent(request, email)
    unconfirmed = EmailAddress.objects.filter(email__iexact=email, verified=False).first()
    if unconfirmed:
        send_to(request, unconfirmed)
        return
    if User.objects.filter(email__iexact=email).exists():
        get_adapter(request).send_account_already_exists_mail(email)
    messages.info(request, f"We have sent an email to {email}.")


def send_to(request: HttpRequest, address: EmailAddress) -> None:
    """Send the mail that confirms `address`, or say that it is too early."""
    if not send_verification_email_to_address(request, address):
        messages.info(request, _TOO_EARLY)
