"""Sends the mail that confirms an address again, and says when it is too early for that.

An address gets one such mail in three minutes, whichever browser asks: the limit is allauth's, and
counts the mails of sign-ups and sign-ins, too. Somebody who signs up with the address of an account
that exists sees the same pages and the same limit as anybody else: the mail alone tells its owner.
"""

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpRequest

from accounts.models import User

_ADDRESS = "address_to_confirm"
_TOO_EARLY = (
    "A mail was sent less than three minutes ago. Look for it in the spam folder too; "
    "if it has not come by then, send another."
)


def note_address(request: HttpRequest, email: str) -> None:
    """Remember which address this browser has signed up with."""
    request.session[_ADDRESS] = email


def is_known(request: HttpRequest) -> bool:
    """Whether this browser has signed up, so that a mail can be sent again."""
    return _ADDRESS in request.session


def send_again(request: HttpRequest) -> None:
    """Send the mail of this browser's sign-up once more, or say why not."""
    email = request.session[_ADDRESS]
    addresses = EmailAddress.objects.filter(email__iexact=email)
    # Another person's new address, still to be confirmed, is not this sign-up's.
    unconfirmed = addresses.filter(user__email__iexact=email, verified=False).first()
    if unconfirmed:
        send_to(request, unconfirmed)
    elif _may_send(request, email):
        if addresses.exists() or User.objects.filter(email__iexact=email).exists():
            get_adapter(request).send_account_already_exists_mail(email)
        _say_sent(request, email)


def send_to(request: HttpRequest, address: EmailAddress) -> None:
    """Send the mail that confirms `address`, or say that it is too early."""
    if _may_send(request, address.email):
        address.send_confirmation(request)
        _say_sent(request, address.email)


def _may_send(request: HttpRequest, email: str) -> bool:
    """Count a mail to the address; say so if it is too early for one."""
    is_allowed: bool = ratelimit.consume(request, action="confirm_email", key=email.lower())
    if not is_allowed:
        messages.info(request, _TOO_EARLY)
    return is_allowed


def _say_sent(request: HttpRequest, email: str) -> None:
    messages.info(request, f"We have sent an email to {email}.")
