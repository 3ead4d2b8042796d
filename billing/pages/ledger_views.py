"""The ledger's page: every movement of credits, by kind and by day, and its files."""

from datetime import date, datetime

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from accounts.time_zones import zone_of
from billing.ledger import wallets
from billing.models import EntryKind, LedgerEntry, Wallet
from billing.pages import ledger_filter, ledger_page
from billing.pages.ledger_filter import LedgerFilter
from web.http import render_page

_MOST_DIGITS = 18  # of a page's address


@member(*ALL_ROLES)
@require_safe
def ledger(request: MemberRequest) -> HttpResponse:
    """List the movements that pass the filter, what they add up to, and the files of them."""
    zone = zone_of(request.user)
    wanted = ledger_filter.parse(request.GET, zone=zone)
    wallet = wallets.wallet_of(request.membership.workspace)
    extent = ledger_page.extent_of(wallet, wanted.since, wanted.until)
    before = request.GET.get("before", "")
    before = before if before.isdecimal() and len(before) <= _MOST_DIGITS else ""
    today = timezone.now().astimezone(zone).date()
    context = {
        "wanted": wanted,
        "zone": zone,
        "kinds": EntryKind,
        "offers": [
            (one, wanted.between(one.first, one.last)) for one in ledger_filter.offered_days(today)
        ],
        "query": wanted.address(),
        "before": before,
        "page": ledger_page.page_of(wallet, wanted, extent, before=int(before) if before else None),
        "totals": ledger_page.totals(wallet, wanted, extent),
        "export": _export(wallet, wanted, today),
    }
    return render_page(request, "billing/ledger.html", context, fragment="ledger")


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
