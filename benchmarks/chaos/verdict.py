"""Compares the results that callers received with the ledger and the request records."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from benchmarks.chaos.callers import CallResult
from billing.audit.report import audit
from billing.models import EntryKind, Hold, HoldState, LedgerEntry, Wallet
from usage import roll_up
from usage.models import RequestRecord


def differences(results: list[CallResult], folder: Path) -> list[str]:
    """Return a sentence for each difference."""
    roll_up.roll_up()
    return [
        *_wrong_prices(results),
        *_charged_for_errors(results),
        *_left_open(folder),
        *_wrong_roll_up(),
        *(f"audit: {finding.rule}: {finding.places}" for finding in audit().findings),
    ]


def _wrong_prices(results: list[CallResult]) -> Iterator[str]:
    """Every price that a caller received is in the ledger and in the request record."""
    charges, credits = _charges(), _credits()
    for one in results:
        if one.charged is None or one.request_id is None:
            continue
        found = (charges.get(one.request_id), credits.get(one.request_id))
        if found != (one.charged, one.charged):
            yield f"{one.request_id} received {one.charged}; ledger and record have {found}"


def _charged_for_errors(results: list[CallResult]) -> Iterator[str]:
    """A call that ended with an error is not charged."""
    charges = _charges()
    for one in results:
        if one.is_error and one.request_id in charges:
            yield f"{one.request_id} received an error and was charged {charges[one.request_id]}"


def _left_open(folder: Path) -> Iterator[str]:
    count = Hold.objects.filter(state=HoldState.HELD).count()
    if count:
        yield f"{count} holds are open"
    for wallet in Wallet.objects.exclude(frozen_at=None):
        yield f"wallet {wallet.pk} was frozen by an audit during the run"
    for path in (folder / "journal").iterdir():
        if path.suffix != ".journal" or path.stat().st_size:
            yield f"{path.name} is left in the journals' folder"


def _wrong_roll_up() -> Iterator[str]:
    records = RequestRecord.objects.aggregate(credits=Sum("credits"))["credits"]
    for table in ("usage_quarter", "usage_hour", "usage_day"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT sum(credits)::bigint FROM {table}")
            [credits] = cursor.fetchone()
        if records != credits:
            yield f"the records add up to {records} credits, {table} to {credits}"


def _charges() -> dict[UUID, int]:
    entries = LedgerEntry.objects.filter(kind=EntryKind.USAGE)
    return {
        UUID(reference): -amount for reference, amount in entries.values_list("reference", "amount")
    }


def _credits() -> dict[UUID, int]:
    return dict(RequestRecord.objects.values_list("id", "credits"))


def summary(results: list[CallResult]) -> Iterator[str]:
    """Describe the results in a few lines."""
    statuses = Counter(str(one.status or "no answer") for one in results)
    yield ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    priced = sum(one.charged is not None for one in results)
    cut = sum(one.status == 200 and one.charged is None and not one.is_error for one in results)
    yield f"{priced} received a price, {cut} were cut off before it"
    refused = sorted(one.seconds * 1000 for one in results if one.status == 503)
    if refused:
        median, late, slowest = (refused[int(len(refused) * at)] for at in (0.5, 0.99, 0.99999))
        yield (
            f"{len(refused)} refused with 503 in {median:.0f} ms, 99 % of them in {late:.0f} ms,"
            f" all in {slowest:.0f} ms"
        )
    holds = Counter(Hold.objects.values_list("state", flat=True))
    lost = RequestRecord.objects.aggregate(lost=Sum("lost_credits"))["lost"] or 0
    yield f"holds: {dict(holds)}; our loss: {lost} credits"


def open_holds() -> int:
    """Return how many holds are open; reconnects if the connection is broken."""
    connection.close_if_unusable_or_obsolete()
    return Hold.objects.filter(state=HoldState.HELD).count()
