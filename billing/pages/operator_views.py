"""Operators' pages about the ledger."""

import logging
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import operator
from billing.ledger import wallets
from billing.models import AuditRun, Wallet
from web.http import render_page

logger = logging.getLogger(__name__)

_SHOWN = 20
_LATE_AFTER = timedelta(minutes=5)


@operator
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Show the last audits, and the workspaces frozen until an operator has looked."""
    runs = list(AuditRun.objects.all()[:_SHOWN])
    context = {
        "runs": runs,
        "is_late": not runs or timezone.now() - runs[0].finished_at > _LATE_AFTER,
        "last_full": AuditRun.objects.filter(kind="full").first(),
        "last_finding": AuditRun.objects.filter(is_ok=False).first(),
        "frozen": Wallet.objects.exclude(frozen_at=None)
        .select_related("workspace")
        .order_by("frozen_at"),
    }
    return render_page(request, "billing/audit.html", context)


@operator
@require_POST
def unfreeze(request: HttpRequest, wallet_id: int) -> HttpResponse:
    """Unfreeze a workspace's wallet."""
    wallet = get_object_or_404(Wallet, pk=wallet_id)
    wallets.unfreeze(wallet.pk)
    logger.warning("operator %s unfroze wallet %d", request.user.pk, wallet.pk)
    messages.success(request, f"{wallet.workspace} can make calls again.")
    return redirect("billing_operator:audit")
