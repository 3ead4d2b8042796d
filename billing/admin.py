"""Operator pages for money.

Ledger entries and holds have composite keys, which the admin cannot register: they are listed on
their wallet's page.
"""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from billing.errors import BillingError
from billing.models import Hold, HoldState, LedgerEntry, StripeEvent, TopUp, Wallet
from billing.stripe import convergence
from web.read_only_admin import ReadOnlyAdmin
from web.templatetags.display import grouped

_SHOWN = 100


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ("workspace", "pool", "posted", "held", "owed", "frozen_at")
    list_select_related = ("workspace",)
    list_filter = ("pool",)
    search_fields = ("workspace__name", "workspace__members__email")
    fields = (*list_display, "seq", "newest_entries", "open_holds")
    readonly_fields = ("newest_entries", "open_holds")

    def newest_entries(self, wallet: Wallet) -> SafeString:
        """List the newest ledger entries."""
        entries = LedgerEntry.objects.filter(wallet=wallet).order_by("-seq")[:_SHOWN]
        return render_to_string("billing/admin_entries.html", {"entries": entries})

    def open_holds(self, wallet: Wallet) -> SafeString:
        """List the open holds."""
        holds = Hold.objects.filter(wallet=wallet, state=HoldState.HELD).order_by("opened_at")
        return render_to_string("billing/admin_holds.html", {"holds": holds[:_SHOWN]})


@admin.register(TopUp)
class TopUpAdmin(ReadOnlyAdmin):
    list_display = ("id", "workspace", "price", "bought", "status", "created_at")
    list_select_related = ("wallet__workspace",)
    list_filter = ("state",)
    search_fields = ("id", "stripe_session_id", "stripe_payment_intent_id")
    actions = ("converge_now",)

    @admin.display(ordering="wallet__workspace__name")
    def workspace(self, top_up: TopUp) -> str:
        """Return the name of the workspace that buys."""
        return str(top_up.wallet.workspace)

    @admin.display(ordering="amount_cents")
    def price(self, top_up: TopUp) -> str:
        """Return the price in dollars, before tax."""
        return f"${top_up.amount_cents / 100:,.2f}"

    @admin.display(description="credits", ordering="credits")
    def bought(self, top_up: TopUp) -> str:
        """Return the credits, with thousands separators."""
        return grouped(top_up.credits)

    @admin.action(description="Converge with Stripe now")
    def converge_now(self, request: HttpRequest, chosen: QuerySet[TopUp]) -> None:
        """Converge the chosen top-ups, as a webhook would."""
        for top_up_id in chosen.values_list("pk", flat=True):
            try:
                top_up = convergence.converge(top_up_id=top_up_id)
            except BillingError as error:
                self.message_user(request, f"Top-up {top_up_id}: {error}", messages.ERROR)
            else:
                result = f"Top-up {top_up_id} is {top_up.status}. {top_up.review_reason}"
                self.message_user(request, result.strip(), messages.SUCCESS)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "top_up", "received_at", "processed_at", "attempts", "error")
    list_filter = ("type",)
    search_fields = ("id", "object_id", "payment_intent_id")
    ordering = ("-received_at",)
