"""The alerts page: what is sent, to whom, and what was sent of late."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import ALL_ROLES, MONEY_ROLES, MemberRequest, member
from accounts.time_zones import zone_of
from billing.alerts import low_balance
from billing.ledger import wallets
from billing.models import Alert, LowBalanceThreshold
from usage.alerts import spend
from usage.alerts.forms import AlertsForm
from usage.models import SpendAlerts
from web.http import render_page

_LATEST = 20
_SAVED = "Saved."
_EXCEEDED = {
    "low_balance": "The balance is below the amount already: an email is on its way.",
    "spend": "More than an amount is spent already: an email is on its way.",
}


@member(*ALL_ROLES)
@require_safe
def alerts(request: MemberRequest) -> HttpResponse:
    """Show the lines and the latest mails."""
    return _page(request)


@member(*MONEY_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def set_alerts(request: MemberRequest) -> HttpResponse:
    """Save the lines; the page tells at once if one is exceeded already."""
    if request.method != "POST":
        return redirect("usage:alerts")
    form = AlertsForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    exceeded = _save(request, form)
    messages.success(request, " ".join([_SAVED, *(_EXCEEDED[name] for name in exceeded)]))
    return redirect("usage:alerts")


@transaction.atomic
def _save(request: MemberRequest, form: AlertsForm) -> list[str]:
    """Save the lines, and return which of them are exceeded already and have a mail due."""
    workspace = request.membership.workspace
    is_below = low_balance.set_threshold(
        wallet=wallets.wallet_of(workspace), credits=form.credits("low_balance")
    )
    is_over = spend.set_lines(
        workspace=workspace,
        day_line=form.credits("day_line"),
        key_floor=form.credits("key_floor"),
        time_zone=form.cleaned_data["time_zone"],
    )
    return [name for name, is_it in (("low_balance", is_below), ("spend", is_over)) if is_it]


def _current(request: MemberRequest) -> tuple[LowBalanceThreshold | None, SpendAlerts | None]:
    workspace = request.membership.workspace
    threshold = LowBalanceThreshold.objects.filter(wallet=wallets.wallet_of(workspace)).first()
    return threshold, SpendAlerts.objects.filter(workspace=workspace).first()


def _page(
    request: MemberRequest, *, form: AlertsForm | None = None, status: int = 200
) -> HttpResponse:
    zone = str(zone_of(request.user))
    mails = Alert.objects.filter(workspace=request.membership.workspace, mails__isnull=False)
    context = {
        "form": form or AlertsForm.of(*_current(request), time_zone=zone),
        "may_pay": request.membership.role in MONEY_ROLES,
        "latest": mails.distinct().order_by("-created_at")[:_LATEST],
    }
    return render_page(request, "usage/alerts.html", context, status=status)
