"""The usage page."""

from datetime import datetime, tzinfo
from typing import Any
from zlib import crc32

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from accounts.time_zones import zone_of
from billing.ledger import wallets
from billing.models import LowBalanceThreshold, Wallet
from keys.models import ApiKey
from usage import kept, request_log
from usage.dashboard import agreement, balance, figures, filters, page, spans, wanted, words
from usage.dashboard.agreement import Agreement
from usage.dashboard.figures import Figures
from usage.dashboard.wanted import Wanted
from usage.ranges import Period
from usage.reading import State, state_of
from web.http import is_poll_current, render_page

_LATEST = 12


@member(*ALL_ROLES)
@require_safe
def dashboard(request: MemberRequest) -> HttpResponse:
    """Show where the credits of a span of time went; the address holds what is shown."""
    now = timezone.now()
    workspace = request.membership.workspace
    zone = zone_of(request.user)
    asked = wanted.parse(request.GET, now=now, zone=zone)
    retention = kept.read()
    state = state_of(workspace.pk, retention)
    read = figures.read(workspace.pk, asked, state=state)
    wallet = wallets.wallet_of(workspace)
    agreed = agreement.agreement(wallet, now=now)
    figures_shown = (read.sums, read.shown.totals, read.sums_before, wallet.posted)
    shown = (str(zone), *figures_shown, agreed.version)
    version = f"{crc32(repr(shown).encode()):x}"
    if is_poll_current(request, version):
        return HttpResponse(status=204)
    period = Period(workspace.pk, asked.span.since, asked.span.until)
    context = _shown(workspace.pk, asked, read) | {
        "version": version,
        "page_url": reverse("usage:usage"),  # slow, so once
        "now": now,
        "needs_zone": not request.user.time_zone,
        "wallet": wallet,
        "api_wallet": wallet,
        **_forecast(wallet, asked, read, now=now, state=state),
        "gone_until": retention.gone_until(asked.span.since),
        **_agreement(agreed, zone),
        "rows": request_log.latest_calls(period, limit=_LATEST),
        "log_query": page.log_query(asked, asked.span.since, asked.span.until),
    }
    return render_page(request, "usage/usage.html", context, fragment="dashboard")


def _agreement(found: Agreement, zone: tzinfo) -> dict[str, Any]:
    """Return the foot of the page: whether ledger and usage agree, and where they do not."""
    if not found.differences:
        return {"agreement": found}
    since = min(one.since for one in found.differences)
    until = max(one.until for one in found.differences)
    return {
        "agreement": found,
        "wrong_time": words.time_span(since, until, zone),
        "wrong_by": words.off(found.differences),
    }


def _forecast(
    wallet: Wallet, asked: Wanted, read: Figures, *, now: datetime, state: State
) -> dict[str, Any]:
    """Return the forecast, its chart, and the rows of its table; no chart without spending."""
    threshold: LowBalanceThreshold | None = getattr(wallet, "low_balance_threshold", None)
    line = threshold.credits if threshold else None
    zone = asked.span.zone
    found = figures.read_forecast(wallet, asked, read, line=line, now=now, state=state)
    if not found.per_day:
        return {"forecast": found}
    closings = figures.read_closings(wallet, now=now, zone=zone)
    today = now.astimezone(zone).date()
    past = balance.measured(closings, posted=wallet.posted)
    plot = balance.plot(past, found, available=wallet.available, today=today)
    return {
        "forecast": found,
        "balance_chart": plot,
        "balance_axis": [(line.y, words.on_axis(line.value)) for line in plot.gridlines],
        "balance_rows": balance.rows(
            past, balance.foretold(found, available=wallet.available), today=today
        ),
    }


def _shown(workspace_id: int, asked: Wanted, read: Figures) -> dict[str, Any]:
    keys = ApiKey.objects.filter(workspace_id=workspace_id).order_by("name", "pk")
    names = dict(keys.values_list("pk", "name"))
    span, buckets = asked.span, page.bucket_rows(asked, read)
    return {
        "wanted": asked,
        "query": asked.address(),
        "figures": read,
        "heading_word": words.HEADINGS[asked.measure],
        "before_total": sum(one.before or 0 for one in read.shown.buckets),
        "caching_saved": abs(read.caching.saved),
        "shares": {
            "read": round(100 * read.caching.share_read, 2),
            "written": round(100 * read.caching.share_written, 2),
        },
        "tiles": page.tiles(asked, read),
        "legend": page.legend(asked, read, names),
        "buckets": buckets,
        "groups": page.group_rows(asked, read, names),
        "chart": page.charts(asked, read, buckets),
        **page.choices(asked),
        "heading": f"{words.HEADINGS[asked.measure]} per {words.PER[asked.width]}",
        "per": words.PER[asked.width],
        "group_name": words.GROUPS[asked.grouping] if asked.grouping else "",
        "table_name": words.GROUPS[asked.table_grouping] if asked.table_grouping else "",
        "days": words.days(span.since, span.until, span.zone),
        "days_before": words.short_days(span.before.since, span.before.until, span.zone),
        "zone": words.zone_name(span.zone, span.until),
        "in_words": _in_words(asked),
        "filters_in_words": words.filters(asked.filters, names),
        "without_comparison": asked.address(compare=""),
        "form": filters.form(asked, names, read.models),
    }


def _in_words(asked: Wanted) -> str:
    return next(
        (one.in_words for one in spans.PRESETS if one.name == asked.span.name), "in these days"
    )
