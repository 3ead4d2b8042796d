"""Pages about money: the balance, the ledger, top-ups, and the pill in the top bar."""

import logging
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import ALL_ROLES, MONEY_ROLES, MemberRequest, member
from billing.alerts import low_balance
from billing.errors import BillingError, TooManyOpenTopUps
from billing.ledger import wallets
from billing.models import TopUp, TopUpState, Wallet
from billing.pages import statement
from billing.pages.forms import LowBalanceForm, TopUpForm
from billing.pages.overview import billing_page
from billing.stripe import top_ups
from billing.stripe.checkout import Addresses
from web.http import is_poll_current, render_page
from web.templatetags.display import dollars

logger = logging.getLogger(__name__)

_AWAY = ".stripe-away"
_NO_PAGE = (
    "Stripe, which takes the payment, does not answer. Nothing was charged. "
    "Try again in a minute: it will be the same payment."
)
_TOO_MANY = (
    "Many payments of this workspace were begun and none was made. "
    "Go on with one of them in the list below; unpaid ones expire after a day."
)


@member(*ALL_ROLES)
@require_safe
def billing(request: MemberRequest) -> HttpResponse:
    """Show both pools, what can be bought, the top-ups, and the api pool's ledger."""
    return billing_page(request, top_up_form=_form_to_go_on_with(request))


@member(*MONEY_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def start_top_up(request: MemberRequest) -> HttpResponse:
    """Write the top-up down and lead to Stripe's page; the form comes back when that fails."""
    if request.method != "POST":
        return redirect("billing:billing")
    form = TopUpForm(request.POST)
    if not form.is_valid():
        return billing_page(request, top_up_form=form, status=422)
    try:
        return redirect(_where_to_pay(request, form))
    except TooManyOpenTopUps:
        form.add_error(None, _TOO_MANY)
        return billing_page(request, top_up_form=form, status=429)
    except BillingError:
        logger.exception("Stripe's page could not be opened")
        form.add_error(None, _NO_PAGE)
        return billing_page(request, top_up_form=form, status=503)


@member(*ALL_ROLES)
@require_safe
def top_up(request: MemberRequest, top_up_id: UUID) -> HttpResponse:
    """Show how a top-up stands; while it is open, the page asks again until the credits land."""
    workspace = request.membership.workspace
    found = get_object_or_404(TopUp.objects.filter(wallet__workspace=workspace), pk=top_up_id)
    found, is_stripe_away = top_ups.look(top_up=found)
    if is_stripe_away is None:  # not asked just now: what the page says of it still holds
        is_stripe_away = request.GET.get("shown", "").endswith(_AWAY)
    version = found.status.replace(" ", "-") + (_AWAY if is_stripe_away else "")
    if is_poll_current(request, version):
        return HttpResponse(status=204)
    context = {
        "top_up": found,
        "version": version,
        "is_stripe_away": is_stripe_away,
        "form": TopUpForm.of(found),
        "repaid": statement.repaid_by(found),
        "wallet": wallets.wallet_of(workspace),
        "may_pay": request.membership.role in MONEY_ROLES,
    }
    response = render_page(request, "billing/top_up.html", context, fragment="top-up")
    response["HX-Trigger"] = "balance-changed"  # the pill in the top bar looks again
    return response


@member(*MONEY_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def draw_line(request: MemberRequest) -> HttpResponse:
    """Set or remove the line for the low-balance mail."""
    if request.method != "POST":
        return redirect("billing:billing")
    form = LowBalanceForm(request.POST)
    if not form.is_valid():
        return billing_page(request, line_form=form, status=422)
    low_balance.draw(wallet=_wallet(request), credits=form.credits())
    messages.success(request, _line_news(form.credits()))
    return redirect("billing:billing")


@member(*ALL_ROLES)
@require_safe
def balance(request: MemberRequest) -> HttpResponse:
    """Render the pill in the top bar; a poll that shows the balance already gets a 204."""
    wallet = _wallet(request)
    if is_poll_current(request, str(wallet.available)):
        return HttpResponse(status=204)
    return render(request, "billing/balance_pill.html", {"wallet": wallet})


def _wallet(request: MemberRequest) -> Wallet:
    return wallets.wallet_of(request.membership.workspace)


def _line_news(line_credits: int | None) -> str:
    if line_credits is None:
        return "Saved. No email is sent when the balance runs low."
    return f"Saved. You get an email when the balance falls below {dollars(line_credits)}."


def _form_to_go_on_with(request: MemberRequest) -> TopUpForm:
    """Return the form as it was, for who comes back from Stripe's page without having paid."""
    try:
        left = UUID(request.GET.get("cancelled", ""))
    except ValueError:
        return TopUpForm()
    mine = TopUp.objects.filter(wallet=_wallet(request), state=TopUpState.PENDING)
    found = mine.filter(pk=left).first()
    return TopUpForm.of(found) if found else TopUpForm()


def _where_to_pay(request: MemberRequest, form: TopUpForm) -> str:
    """Return Stripe's page, or that of the top-up when nothing is left to pay there."""
    top_up = top_ups.start(
        workspace=request.membership.workspace,
        user=request.user,
        amount_cents=form.amount_cents(),
        form_id=form.cleaned_data["form_id"],
    )
    own_page = reverse("billing:top_up", args=[top_up.pk])
    back_to = Addresses(
        paid=settings.PUBLIC_URL + own_page,
        cancelled=f"{settings.PUBLIC_URL}{reverse('billing:billing')}?cancelled={top_up.pk}",
    )
    page = top_ups.open_page(
        top_up=top_up,
        workspace=request.membership.workspace,
        user=request.user,
        back_to=back_to,
    )
    return page or own_page
