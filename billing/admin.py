"""Operator pages for money.

Ledger entries and holds have composite keys, which the admin cannot register: they are listed on
their wallet's page.
"""

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from billing.errors import BillingError
from billing.models import Hold, HoldState, LedgerEntry, StripeEvent, TopUp, Wallet
from billing.stripe import convergence
from web.read_only_admin import ConditionFilter, ReadOnlyAdmin, amount, lists_of, plain_amount
from web.templatetags.display import grouped

_SHOWN = 100


class Trouble(ConditionFilter):
    """Wallets that somebody may ask about."""

    title = "state"
    parameter_name = "state"
    conditions = {
        "frozen": ("Frozen", Q(frozen_at__isnull=False)),
        "owing": ("Owes credits", Q(owed__gt=0)),
        "holding": ("Has calls running", Q(held__gt=0)),
        "empty": ("Empty", Q(posted=0)),
    }


class Processing(ConditionFilter):
    """How far our worker is with an event."""

    title = "processing"
    parameter_name = "processing"
    conditions = {
        "failed": ("Failed, tried again", Q(processed_at=None) & ~Q(error="")),
        "waiting": ("Waiting", Q(processed_at=None)),
        "done": ("Done", Q(processed_at__isnull=False)),
    }


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ("workspace", "pool", "balance", "on_hold", "owing", "frozen_at", "frozen_for")
    list_select_related = ("workspace",)
    list_filter = (Trouble, "pool", "frozen_for")
    search_fields = ("workspace__name", "workspace__members__email")
    ordering = ("-pk",)
    fields = (*list_display, "unfrozen_at", "seq", "related", "newest_entries", "open_holds")
    readonly_fields = ("balance", "on_hold", "owing", "related", "newest_entries", "open_holds")

    @admin.display(ordering="posted")
    def balance(self, wallet: Wallet) -> SafeString:
        """Return what its entries add up to."""
        return amount(wallet.posted)

    @admin.display(description="held", ordering="held")
    def on_hold(self, wallet: Wallet) -> SafeString:
        """Return what running calls have set aside."""
        return plain_amount(wallet.held)

    @admin.display(description="owed", ordering="owed")
    def owing(self, wallet: Wallet) -> SafeString:
        """Return what the next top-up repays first."""
        return plain_amount(wallet.owed)

    def related(self, wallet: Wallet) -> SafeString:
        """Link what else there is of its workspace."""
        workspace = wallet.workspace_id
        return lists_of(
            {
                "Workspace": ("accounts_workspace", f"id__exact={workspace}"),
                "Top-ups": ("billing_topup", f"wallet__exact={wallet.pk}"),
                "API keys": ("keys_apikey", f"workspace__exact={workspace}"),
            }
        )

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
    list_display = ("workspace", "price", "bought", "status", "created_at", "reference")
    list_select_related = ("wallet__workspace",)
    list_filter = ("state",)
    date_hierarchy = "created_at"
    search_fields = (
        *("wallet__workspace__name", "created_by__email"),
        *("id", "stripe_session_id", "stripe_payment_intent_id"),
    )
    actions = ("converge_now",)

    @admin.display(ordering="wallet__workspace__name")
    def workspace(self, top_up: TopUp) -> str:
        """Return the name of the workspace that buys."""
        return str(top_up.wallet.workspace)

    @admin.display(ordering="id")
    def reference(self, top_up: TopUp) -> str:
        """Return the beginning of the id; the search finds a whole one."""
        return f"{top_up.pk}".partition("-")[0]

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
    list_filter = (Processing, "type")
    search_fields = ("id", "object_id", "payment_intent_id")
    ordering = ("-received_at",)
