"""Downloads of request records, sums of usage and the ledger."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from accounts.time_zones import zone_of
from billing.ledger import cuts, wallets
from billing.models import EntryKind
from usage import kept, log_filters
from usage.dashboard import figures, wanted
from usage.exports import tables
from usage.exports.snapshot import Export, TooManyExportsError
from usage.exports.tables import Format, Table

_TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.JSON_LINES: "application/jsonl"}
_RETRY_AFTER_S = 10


class _Chosen(NamedTuple):
    table: Table
    since: datetime
    until: datetime


@member(*ALL_ROLES)
@require_safe
def export(request: MemberRequest, name: str) -> HttpResponseBase:
    """Send a table as a file; the headers tell how many rows it has, and their credits."""
    choose = _TABLES.get(name)
    given = request.GET.get("format", Format.CSV)
    if choose is None or given not in {one.value for one in Format}:
        raise Http404("There is no such export.")
    format = Format(given)
    chosen = choose(request)
    try:
        begun = Export(request.membership.workspace_id, chosen.table, format)
    except TooManyExportsError:
        response = render(request, "usage/too_many_exports.html", status=429)
        response["Retry-After"] = str(_RETRY_AFTER_S)
        return response
    return _response(request, begun, chosen, format)


def _response(
    request: MemberRequest, begun: Export, chosen: _Chosen, format: Format
) -> HttpResponseBase:
    response: HttpResponseBase
    if request.method == "HEAD":
        begun.close()
        response = HttpResponse()
    else:
        response = StreamingHttpResponse(begun)
    response["Content-Type"] = _TYPES[format]
    file_name = tables.file_name(chosen.table, format, chosen.since, chosen.until)
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    response["Cache-Control"] = "private, no-store"
    response["caicaini-rows"] = str(begun.rows)
    response["caicaini-credits"] = str(begun.credits)
    return response


def _requests(request: MemberRequest) -> _Chosen:
    asked = log_filters.parse(request.GET, now=timezone.now())
    table = tables.records(request.membership.workspace_id, asked, kept_since=kept.since())
    return _Chosen(table, asked.since, asked.until)


def _usage(request: MemberRequest) -> _Chosen:
    asked = wanted.parse(request.GET, now=timezone.now(), zone=zone_of(request.user))
    question = figures.chart_question(request.membership.workspace_id, asked)
    table = tables.sums(question, kept_since=kept.since())
    return _Chosen(table, asked.span.since, asked.span.until)


def _ledger(request: MemberRequest) -> _Chosen:
    """Cut the ledger where its page and the monthly statement do; statements are of UTC."""
    zone = UTC if request.GET.get("zone") == "UTC" else zone_of(request.user)
    span = wanted.parse(request.GET, now=timezone.now(), zone=zone).span
    kind = request.GET.get("kind", "")
    of_kind = EntryKind(kind) if kind in EntryKind.values else None
    wallet = wallets.wallet_of(request.membership.workspace)
    after, last = (cuts.last_seq_before(wallet, moment) for moment in (span.since, span.until))
    return _Chosen(tables.ledger(wallet.pk, after, last, of_kind), span.since, span.until)


_TABLES: dict[str, Callable[[MemberRequest], _Chosen]] = {
    "requests": _requests,
    "usage": _usage,
    "ledger": _ledger,
}
