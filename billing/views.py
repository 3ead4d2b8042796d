"""Pages about money: the balance, the ledger, and the pill in the top bar."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from billing import statement, wallets
from billing.models import Hold, HoldState, Pool, Wallet
from caicaini_portal.http import poll_shows, render_page


@member(*ALL_ROLES)
@require_safe
def billing(request: MemberRequest) -> HttpResponse:
    """Show both pools, what is held now, and the api pool's ledger."""
    wallet = wallets.wallet_of(request.membership.workspace)
    version = f"{wallet.seq}.{wallet.held}"
    if poll_shows(request, version):
        return HttpResponse(status=204)
    subscription = Wallet.objects.filter(
        workspace=request.membership.workspace, pool=Pool.SUBSCRIPTION
    ).first()
    before = request.GET.get("before", "")
    context = {
        "wallet": wallet,
        "version": version,
        "subscription_credits": subscription.available if subscription else 0,
        "open_holds": Hold.objects.filter(wallet=wallet, state=HoldState.OPEN).count(),
        "reach": statement.reach(wallet),
        "page": statement.ledger_page(wallet, before=int(before) if before.isdecimal() else None),
        "before": before if before.isdecimal() else "",
    }
    return render_page(request, "billing/billing.html", context, fragment="account")


@member(*ALL_ROLES)
@require_safe
def balance(request: MemberRequest) -> HttpResponse:
    """Render the pill in the top bar; a poll that shows the balance already gets a 204."""
    wallet = wallets.wallet_of(request.membership.workspace)
    if poll_shows(request, str(wallet.available)):
        return HttpResponse(status=204)
    return render(request, "billing/balance_pill.html", {"wallet": wallet})
