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
    "Go on with one of them in the list below, or cancel them; unpaid ones expire after a day."
)
_NOT_CANCELLED = (
    "Stripe does not answer, so this payment page is still open. Nothing has changed: "
    "try again in a minute."
)


@member(*ALL_ROLES)
@require_safe
def billing(request: MemberRequest) -> HttpResponse:
    """Show both pools, the forms, the top-ups, and the api pool's ledger.

    Stripe's page leads here when a person goes back from it. They may have paid in another tab, so
    Stripe is asked; only an unpaid top-up is offered again.
    """
    returned = _returned_from(request)
    if returned is None:
        return billing_page.render(request)
    if getattr(request.htmx, "target", None) == "returned":
        return billing_page.render_returned(request, returned)
    if returned.state != TopUpState.PENDING:
        return redirect("billing:top_up", returned.pk)
    return billing_page.render(request, top_up_form=TopUpForm.of(returned), returned=returned)


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
        "story": statement.story_of(found),
        "wallet": wallets.wallet_of(workspace),
        "may_pay": request.membership.role in MONEY_ROLES,
    }
    response = render_page(request, "billing/top_up.html", context, fragment="top-up")
    response["HX-Trigger"] = "balance-changed"  # the pill in the top bar reloads
    return response


@member(*MONEY_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_top_up(request: MemberRequest, top_up_id: UUID) -> HttpResponse:
    """Close a payment page that nobody has paid on."""
    found = get_object_or_404(TopUp.objects.filter(wallet=_wallet(request)), pk=top_up_id)
    if request.method != "POST":
        return redirect("billing:top_up", found.pk)
    try:
        cancelled = top_ups.cancel(top_up=found)
    except top_ups.CANNOT_ANSWER:
        logger.exception("top-up %s could not be cancelled", found.pk)
        messages.error(request, _NOT_CANCELLED)
        return redirect("billing:top_up", found.pk)
    if cancelled.status != "cancelled":  # paid meanwhile, or closed before
        return redirect("billing:top_up", found.pk)
    messages.success(
        request, f"The payment page for {dollars(found.credits)} is closed. Nothing was paid."
    )
    return redirect("billing:billing")


@member(*MONEY_ROLES)
@require_http_methods(["GET", "HEAD", "POST"])
def set_low_balance_threshold(request: MemberRequest) -> HttpResponse:
    """Set or remove the threshold of the low-balance mail."""
    if request.method != "POST":
        return redirect("billing:billing")
    form = LowBalanceForm(request.POST)
    if not form.is_valid():
        return billing_page.render(request, threshold_form=form, status=422)
    is_below = low_balance.set_threshold(wallet=_wallet(request), credits=form.credits())
    messages.success(request, _threshold_message(form.credits(), is_below=is_below))
    return redirect("billing:billing")


@member(*ALL_ROLES)
@require_safe
def balance(request: MemberRequest) -> HttpResponse:
    """Render the pill in the top bar; a poll that already shows this balance gets a 204."""
    wallet = _wallet(request)
    if is_poll_current(request, f"{wallet.posted}-{wallet.level}"):
        return HttpResponse(status=204)
    return render(request, "billing/balance_pill.html", {"wallet": wallet})


def _wallet(request: MemberRequest) -> Wallet:
    return wallets.wallet_of(request.membership.workspace)


def _threshold_message(threshold_credits: int | None, *, is_below: bool) -> str:
    if threshold_credits is None:
        return "Saved. No email is sent when the balance runs low."
    if is_below:
        return "Saved. The balance is below this amount already: an email is on its way."
    return f"Saved. You get an email when the balance falls below {dollars(threshold_credits)}."


def _returned_from(request: MemberRequest) -> TopUp | None:
    """Return the top-up whose payment page the person went back from, as Stripe sees it now."""
    try:
        top_up_id = UUID(request.GET.get("cancelled", ""))
    except ValueError:
        return None
    found = TopUp.objects.filter(wallet=_wallet(request), pk=top_up_id).first()
    return top_ups.refresh(top_up=found).top_up if found else None


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
