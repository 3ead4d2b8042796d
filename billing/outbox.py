"""Mails about money: recorded together with what caused them, sent afterwards, once to each person.

A mail is sent inside the transaction that marks it as sent. If the process dies between the mail
server's answer and the commit, it is sent again with the same Message-ID.
"""

import logging
from collections.abc import Collection
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.access import MONEY_ROLES
from accounts.models import Membership, Role
from billing.external_wait import external_wait
from billing.models import Alert, AlertKind, AlertMail

logger = logging.getLogger(__name__)

_FIRST_RETRY = timedelta(minutes=1)
_LAST_RETRY = timedelta(hours=1)
_LATEST = timedelta(days=2)


@transaction.atomic
def announce(
    *,
    workspace_id: int,
    kind: AlertKind,
    crossing: str,
    figures: dict[str, Any],
    roles: Collection[Role] = MONEY_ROLES,
) -> bool:
    """Record an alert, with a mail to each active member of `roles`.

    The second time, with the same workspace, kind and crossing, nothing is recorded; returns
    whether it is the first.
    """
    alert, is_first = Alert.objects.get_or_create(
        workspace_id=workspace_id, kind=kind, crossing=crossing, defaults={"figures": figures}
    )
    if is_first:
        members = Membership.objects.filter(
            workspace_id=workspace_id, role__in=roles, user__is_active=True
        )
        AlertMail.objects.bulk_create(
            AlertMail(alert=alert, user_id=user_id)
            for user_id in members.values_list("user_id", flat=True)
        )
    return is_first


def send_due() -> int:
    """Send the mails that are due; return how many. It stops while the mail server is unavailable.

    Two processes at once share the mails: each is locked by the one that sends it.
    """
    sent = 0
    while _send_next():
        sent += 1
    return sent


@transaction.atomic
def _send_next() -> bool:
    """Send one mail; return False if none is due, or the mail server did not take it."""
    due = AlertMail.objects.filter(
        sent_at=None, given_up_at=None, due_at__lte=timezone.now()
    ).order_by("due_at", "pk")
    locked = due.select_for_update(of=("self",), skip_locked=True)
    mail = locked.select_related("alert__workspace", "user").first()
    if mail is None:
        return False
    try:
        with external_wait():
            message_of(mail).send()
    except SMTPRecipientsRefused:
        logger.warning("the mail server refuses the address of %s", mail)
        mail.given_up_at = timezone.now()
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors
        _postpone(mail, error)
        return False
    else:
        mail.sent_at = timezone.now()
    mail.save(update_fields=["sent_at", "given_up_at"])
    return True


def message_of(mail: AlertMail) -> EmailMessage:
    """Return the mail; each person gets their own, so that no address is shown to others."""
    kind = mail.alert.kind
    context = {
        **mail.alert.figures,
        "workspace": mail.alert.workspace,
        "public_url": settings.PUBLIC_URL,
    }
    subject = render_to_string(f"billing/email/{kind}_subject.txt", context)
    return EmailMessage(
        " ".join(subject.split()),
        render_to_string(f"billing/email/{kind}_message.txt", context),
        to=[mail.user.email],
        headers={"Message-ID": f"<alert-{mail.pk}@{urlsplit(settings.PUBLIC_URL).hostname}>"},
    )


def _postpone(mail: AlertMail, error: Exception) -> None:
    """Schedule the next attempt, later each time; after two days there is none."""
    now = timezone.now()
    logger.warning("%s was not sent: %s", mail, error)
    mail.due_at = now + min(_FIRST_RETRY * 2 ** min(mail.attempts, 10), _LAST_RETRY)
    mail.attempts += 1
    if now - mail.alert.created_at > _LATEST:
        logger.error("%s is given up after %d attempts", mail, mail.attempts)
        mail.given_up_at = now
    mail.save(update_fields=["due_at", "attempts", "given_up_at"])
