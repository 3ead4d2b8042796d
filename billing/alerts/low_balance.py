"""The mail sent when a balance falls below the workspace's threshold: one per crossing."""

import logging
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.access import MONEY_ROLES
from billing.external_wait import external_wait
from billing.models import LowBalanceThreshold, Wallet

logger = logging.getLogger(__name__)


def set_threshold(*, wallet: Wallet, credits: int | None) -> None:
    """Set the threshold, or remove it with None. A balance already below it is not a crossing."""
    if not credits:
        LowBalanceThreshold.objects.filter(wallet=wallet).delete()
        return
    notified_at = timezone.now() if wallet.posted < credits else None
    LowBalanceThreshold.objects.update_or_create(
        wallet=wallet, defaults={"credits": credits, "notified_at": notified_at}
    )


def watch() -> int:
    """Send a mail for each crossing since the last time; return how many.

    The holds of running calls do not count: most of what they hold is released.
    """
    thresholds = LowBalanceThreshold.objects.all()
    recovered = thresholds.filter(notified_at__isnull=False, wallet__posted__gte=F("credits"))
    recovered.update(notified_at=None)
    crossed = thresholds.filter(notified_at=None, wallet__posted__lt=F("credits"))
    return sum(_notify(pk) for pk in list(crossed.values_list("pk", flat=True)))


@transaction.atomic
def _notify(threshold_id: int) -> bool:
    """Send the mail, then record it: while the mail server is unavailable, retry every minute."""
    threshold = (
        LowBalanceThreshold.objects.select_related("wallet__workspace")
        .select_for_update(of=("self",), skip_locked=True)
        .filter(pk=threshold_id, notified_at=None)
        .first()
    )
    if threshold is None:
        return False
    workspace = threshold.wallet.workspace
    members = workspace.memberships.filter(role__in=MONEY_ROLES).select_related("user")
    addresses = [one.user.email for one in members if one.user.is_active]
    with external_wait():
        _send(threshold, addresses)
    threshold.notified_at = timezone.now()
    threshold.save(update_fields=["notified_at"])
    return True


def _send(threshold: LowBalanceThreshold, addresses: list[str]) -> None:
    context = {
        "threshold": threshold,
        "wallet": threshold.wallet,
        "workspace": threshold.wallet.workspace,
        "billing_url": settings.PUBLIC_URL + reverse("billing:billing"),
    }
    subject = render_to_string("billing/email/low_balance_subject.txt", context)
    message = render_to_string("billing/email/low_balance_message.txt", context)
    for address in addresses:  # one mail each: colleagues need not see each other's address
        try:
            send_mail(subject.strip(), message, None, [address])
        except SMTPRecipientsRefused:  # a retry would send the others theirs again every minute
            logger.warning("the mail server refuses an address of a member of %s", threshold.wallet)
