"""Render the billing page for a visit, a poll, or a form with errors."""

from typing import Any
from zlib import crc32

from django.conf import settings
from django.core.paginator import Page
from django.http import HttpResponse

from accounts.access import MONEY_ROLES, MemberRequest
from billing.ledger import wallets
from billing.models import Hold, HoldState, LowBalanceThreshold, Pool, TopUp, Wallet
from billing.pages import ledger_page, statement
from billing.pages.forms import LowBalanceForm, TopUpForm
from web.http import is_poll_current, render_page

_NEWEST = 10  # movements; the ledger's page has all


def render(
    request: MemberRequest,
    *,
    top_up_form: TopUpForm | None = None,
    threshold_form: LowBalanceForm | None = None,
    returned: TopUp | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the page, or the fragment that polls for itself."""
    wallet = wallets.wallet_of(request.membership.workspace)
    page = statement.top_up_page(wallet, request.GET.get("top_ups", ""))
    version = f"{wallet.seq}.{wallet.held}.{wallet.owed}.{_digest(page)}"
    if is_poll_current(request, version):
        return HttpResponse(status=204)
    threshold: LowBalanceThreshold | None = getattr(wallet, "low_balance_threshold", None)
    context = {
        **_balances(wallet),
        "version": version,
        "can_buy": bool(settings.STRIPE_SECRET_KEY),
        "may_pay": request.membership.role in MONEY_ROLES,
        "returned": returned,
        "top_up_form": top_up_form or TopUpForm(),
        "threshold_form": threshold_form or LowBalanceForm.of(threshold),
        "threshold": threshold,
        "top_ups": page,
        "newest": ledger_page.newest(wallet, _NEWEST),
    }
    target = getattr(request.htmx, "target", None)
    fragment = "movements" if target == "movements" else "account"
    return render_page(request, "billing/billing.html", context, fragment=fragment, status=status)


def render_returned(request: MemberRequest, returned: TopUp) -> HttpResponse:
    """Answer the poll of the notice that nothing was paid: until that changes, with a 204."""
    if is_poll_current(request, returned.status):
        return HttpResponse(status=204)
    return render_page(request, "billing/returned.html", {"returned": returned})


def _balances(wallet: Wallet) -> dict[str, Any]:
    subscription = Wallet.objects.filter(
        workspace_id=wallet.workspace_id, pool=Pool.SUBSCRIPTION
    ).first()
    return {
        "wallet": wallet,
        "api_wallet": wallet,
        "subscription_credits": subscription.available if subscription else 0,
        "open_holds": Hold.objects.filter(wallet=wallet, state=HoldState.HELD).count(),
        "runway": statement.runway(wallet),
    }


def _digest(page: Page[TopUp]) -> int:
    """Return a number that changes with anything that the history shows of these top-ups."""
    shown = [(one.pk, one.status, one.refunded, one.disputed) for one in page.object_list]
    return crc32(repr(shown).encode())
