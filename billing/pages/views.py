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
from billing.pages import billing_page, statement
from billing.pages.forms import LowBalanceForm, TopUpForm
from billing.stripe import top_ups
from billing.stripe.checkout import ReturnUrls
from web.http import is_poll_current, render_page
from web.templatetags.display import dollars

logger = logging.getLogger(__name__)

_UNAVAILABLE = ".stripe-unavailable"
_STRIPE_UNAVAILABLE = (
    "Stripe, which takes the payment, does not answer. Nothing was charged. "
    "Try again in a minute: it will be the same payment."
)
_TOO_MANY_OPEN = (
    "Many payments of this workspace were begun and none was made. "
    "Go on with one of them in the list below; unpaid ones expire after a day."
)


@member(*ALL_ROLES)
@require_safe
def billing(request: MemberRequest) -> HttpResponse:
    """Show both pools, the forms, the top-ups, and the api pool's ledger."""
    return billing_page.render(request, top_up_form=_resumed_form(request))


@member(*MONEY_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def start_top_up(request: MemberRequest) -> HttpResponse:
    """Start a top-up and redirect to Stripe's page; show the form again when that fails."""
    if request.method != "POST":
        return redirect("billing:billing")
    form = TopUpForm(request.POST)
    if not form.is_valid():
        return billing_page.render(request, top_up_form=form, status=422)
    try:
        return redirect(_payment_url(request, form))
    except TooManyOpenTopUps:
        form.add_error(None, _TOO_MANY_OPEN)
        return billing_page.render(request, top_up_form=form, status=429)
    except BillingError:
        logger.exception("Stripe's page could not be opened")
        form.add_error(None, _STRIPE_UNAVAILABLE)
        return billing_page.render(request, top_up_form=form, status=503)


@member(*ALL_ROLES)
@require_safe
def top_up(request: MemberRequest, top_up_id: UUID) -> HttpResponse:
    """Show a top-up; while it is open, the page polls until the credits land."""
    workspace = request.membership.workspace
    found = get_object_or_404(TopUp.objects.filter(wallet__workspace=workspace), pk=top_up_id)
    found, is_stripe_unavailable = top_ups.refresh(top_up=found)
    if is_stripe_unavailable is None:  # not asked just now: the page keeps its notice
        is_stripe_unavailable = request.GET.get("shown", "").endswith(_UNAVAILABLE)
    version = found.status.replace(" ", "-") + (_UNAVAILABLE if is_stripe_unavailable else "")
    if is_poll_current(request, version):
        return HttpResponse(status=204)
    context = {
        "top_up": found,
        "version": version,
        "is_stripe_unavailable": is_stripe_unavailable,
        "form": TopUpForm.of(found),
        "repaid": statement.repaid_by(found),
        "wallet": wallets.wallet_of(workspace),
        "may_pay": request.membership.role in MONEY_ROLES,
    }
    response = render_page(request, "billing/top_up.html", context, fragment="top-up")
    response["HX-Trigger"] = "balance-changed"  # the pill in the top bar reloads
    return response


@member(*MONEY_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def set_low_balance_threshold(request: MemberRequest) -> HttpResponse:
    """Set or remove the threshold of the low-balance mail."""
    if request.method != "POST":
        return redirect("billing:billing")
    form = LowBalanceForm(request.POST)
    if not form.is_valid():
        return billing_page.render(request, threshold_form=form, status=422)
    low_balance.set_threshold(wallet=_wallet(request), credits=form.credits())
    messages.success(request, _threshold_message(form.credits()))
    return redirect("billing:billing")


@member(*ALL_ROLES)
@require_safe
def balance(request: MemberRequest) -> HttpResponse:
    """Render the pill in the top bar; a poll that already shows this balance gets a 204."""
    wallet = _wallet(request)
    if is_poll_current(request, str(wallet.available)):
        return HttpResponse(status=204)
    return render(request, "billing/balance_pill.html", {"wallet": wallet})


def _wallet(request: MemberRequest) -> Wallet:
    return wallets.wallet_of(request.membership.workspace)


def _threshold_message(threshold_credits: int | None) -> str:
    if threshold_credits is None:
        return "Saved. No email is sent when the balance runs low."
    return f"Saved. You get an email when the balance falls below {dollars(threshold_credits)}."


def _resumed_form(request: MemberRequest) -> TopUpForm:
    """Fill the form in again for somebody who returns from Stripe's page without having paid."""
    try:
        cancelled = UUID(request.GET.get("cancelled", ""))
    except ValueError:
        return TopUpForm()
    own = TopUp.objects.filter(wallet=_wallet(request), state=TopUpState.PENDING)
    found = own.filter(pk=cancelled).first()
    return TopUpForm.of(found) if found else TopUpForm()


def _payment_url(request: MemberRequest, form: TopUpForm) -> str:
    """Return the URL of Stripe's page, or of the top-up's own when nothing is left to pay."""
    top_up = top_ups.start(
        workspace=request.membership.workspace,
        user=request.user,
        amount_cents=form.amount_cents(),
        form_id=form.cleaned_data["form_id"],
    )
    own_page = reverse("billing:top_up", args=[top_up.pk])
    return_urls = ReturnUrls(
        success=settings.PUBLIC_URL + own_page,
        cancel=f"{settings.PUBLIC_URL}{reverse('billing:billing')}?cancelled={top_up.pk}",
    )
    page = top_ups.open_page(
        top_up=top_up,
        workspace=request.membership.workspace,
        user=request.user,
        return_urls=return_urls,
    )
    return page or own_page
