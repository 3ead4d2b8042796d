"""The ledger's page: every movement of credits, by kind and by day, and its files."""

from datetime import date, datetime

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from accounts.time_zones import zone_of
from billing.ledger import wallets
from billing.models import EntryKind, LedgerEntry, Wallet
from billing.pages import ledger_filter, ledger_page
from billing.pages.ledger_filter import LedgerFilter
from web import filter_values
from web.filter_form import Choice, FilterForm, Link, Links, Note, Time
from web.http import render_page


@member(*ALL_ROLES)
@require_safe
def ledger(request: MemberRequest) -> HttpResponse:
    """List the movements that pass the filter, what they add up to, and the files of them."""
    zone = zone_of(request.user)
    wanted = ledger_filter.parse(request.GET, zone=zone)
    wallet = wallets.wallet_of(request.membership.workspace)
    extent = ledger_page.extent_of(wallet, wanted.since, wanted.until)
    before = request.GET.get("before", "")
    before = before if filter_values.is_number(before) else ""
    today = timezone.now().astimezone(zone).date()
    context = {
        "wanted": wanted,
        "form": _form(wanted, today),
        "query": wanted.address(),
        "before": before,
        "page": ledger_page.page_of(wallet, wanted, extent, before=int(before) if before else None),
        "totals": ledger_page.totals(wallet, wanted, extent),
        "export": _export(wallet, wanted, today),
    }
    return render_page(request, "billing/ledger.html", context, fragment="ledger")


def _form(wanted: LedgerFilter, today: date) -> FilterForm:
    offers = [
        Link(
            one.name,
            one.label,
            wanted.between(one.first, one.last).address(),
            (one.first, one.last) == (wanted.first, wanted.last),
        )
        for one in ledger_filter.offered_days(today)
    ]
    kinds = [(kind.value, kind.label.lower()) for kind in EntryKind]
    first, last = (f"{day}" if day else "" for day in (wanted.first, wanted.last))
    return FilterForm(
        prefix="ledger",
        url=reverse("billing:ledger"),
        part="ledger",
        fields=[
            Links("days", "Days", offers),
            Choice("kind", "Kind", kinds, wanted.kind or ""),
            Time("from", "From", first),
            Time("to", "To", last),
            Note(f"Days of {wanted.zone}"),
        ],
    )


def _export(wallet: Wallet, wanted: LedgerFilter, today: date) -> str:
    """Return the query of the file with the same movements: its days have two ends."""
    begun: datetime | None = (
        LedgerEntry.objects.filter(wallet=wallet, seq=1)
        .values_list("created_at", flat=True)
        .first()
    )
    first_day = begun.astimezone(wanted.zone).date() if begun else today
    first = max(wanted.first or first_day, first_day)
    last = min(wanted.last or today, today)
    return wanted.between(first, last).address(range="custom")
