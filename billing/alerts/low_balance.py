"""The mail that says a balance has fallen below the line its people drew: once a crossing."""

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
from billing.external_wait import waiting_outside
from billing.models import LowBalanceLine, Wallet

logger = logging.getLogger(__name__)


def draw(*, wallet: Wallet, credits: int | None) -> None:
    """Set the line, or remove it with None. A balance that is below it already is no crossing."""
    if not credits:
        LowBalanceLine.objects.filter(wallet=wallet).delete()
        return
    told_at = timezone.now() if wallet.posted < credits else None
    LowBalanceLine.objects.update_or_create(
        wallet=wallet, defaults={"credits": credits, "told_at": told_at}
    )


def watch() -> int:
    """Tell of each crossing since the last time; return how many. The holds of running calls do
    not count: most of what they hold comes back."""
    lines = LowBalanceLine.objects.all()
    lines.filter(told_at__isnull=False, wallet__posted__gte=F("credits")).update(told_at=None)
    crossed = lines.filter(told_at=None, wallet__posted__lt=F("credits"))
    return sum(_tell(line_id) for line_id in list(crossed.values_list("pk", flat=True)))


@transaction.atomic
def _tell(line_id: int) -> bool:
    """Send the mail, then note it: a mail server that is away gets the mail a minute later."""
    line = (
        LowBalanceLine.objects.select_related("wallet__workspace")
        .select_for_update(of=("self",), skip_locked=True)
        .filter(pk=line_id, told_at=None)
        .first()
    )
    if line is None:
        return False
    workspace = line.wallet.workspace
    people = workspace.memberships.filter(role__in=MONEY_ROLES).select_related("user")
    addresses = [one.user.email for one in people if one.user.is_active]
    with waiting_outside():
        _send(line, addresses)
    line.told_at = timezone.now()
    line.save(update_fields=["told_at"])
    return True


def _send(line: LowBalanceLine, addresses: list[str]) -> None:
    context = {
        "line": line,
        "wallet": line.wallet,
        "workspace": line.wallet.workspace,
        "billing_url": settings.PUBLIC_URL + reverse("billing:billing"),
    }
    subject = render_to_string("billing/email/low_balance_subject.txt", context)
    message = render_to_string("billing/email/low_balance_message.txt", context)
    for address in addresses:  # one mail each: colleagues need not see each other's address
        try:
            send_mail(subject.strip(), message, None, [address])
        except SMTPRecipientsRefused:  # no reason to send the others theirs again and again
            logger.warning("the mail server takes no mail for a member of %s", line.wallet)
