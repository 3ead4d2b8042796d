"""Compares what callers heard with what the books say."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from benchmarks.chaos.callers import Heard
from billing.audit.report import audit
from billing.models import EntryKind, Hold, HoldState, LedgerEntry, Wallet
from usage import roll_up
from usage.models import RequestRecord, UsageHour


def differences(heard: list[Heard], folder: Path) -> list[str]:
    """Return everything that is not as it must be."""
    roll_up.roll_up()
    return [
        *_told_otherwise(heard),
        *_charged_for_errors(heard),
        *_left_open(folder),
        *_rolled_up_otherwise(),
        *(f"audit: {finding.rule}: {finding.places}" for finding in audit().findings),
    ]


def _told_otherwise(heard: list[Heard]) -> Iterator[str]:
    """Every price that a caller was told is in the ledger and in the record."""
    charges, credits = _charges(), _credits()
    for one in heard:
        if one.charged is None or one.request_id is None:
            continue
        found = (charges.get(one.request_id), credits.get(one.request_id))
        if found != (one.charged, one.charged):
            yield f"{one.request_id} was told {one.charged}; ledger and record say {found}"


def _charged_for_errors(heard: list[Heard]) -> Iterator[str]:
    """Whoever was told of an error pays nothing."""
    charges = _charges()
    for one in heard:
        if one.is_error and one.request_id in charges:
            yield f"{one.request_id} was told of an error and charged {charges[one.request_id]}"


def _left_open(folder: Path) -> Iterator[str]:
    count = Hold.objects.filter(state=HoldState.HELD).count()
    if count:
        yield f"{count} holds are open"
    for wallet in Wallet.objects.exclude(frozen_at=None):
        yield f"wallet {wallet.pk} was frozen by an audit on the way"
    for path in (folder / "journal").iterdir():
        if path.suffix != ".journal" or path.stat().st_size:
            yield f"{path.name} is left in the journals' folder"


def _rolled_up_otherwise() -> Iterator[str]:
    records = RequestRecord.objects.aggregate(credits=Sum("credits"))["credits"]
    hours = UsageHour.objects.aggregate(credits=Sum("credits"))["credits"]
    if records != hours:
        yield f"the records add up to {records} credits, the hours to {hours}"


def _charges() -> dict[UUID, int]:
    entries = LedgerEntry.objects.filter(kind=EntryKind.USAGE)
    return {
        UUID(reference): -amount for reference, amount in entries.values_list("reference", "amount")
    }


def _credits() -> dict[UUID, int]:
    return dict(RequestRecord.objects.values_list("id", "credits"))


def summary(heard: list[Heard]) -> Iterator[str]:
    """Describe what callers heard, for reading."""
    statuses = Counter(str(one.status or "no answer") for one in heard)
    yield ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    told = sum(one.charged is not None for one in heard)
    cut = sum(one.status == 200 and one.charged is None and not one.is_error for one in heard)
    yield f"{told} were told a price, {cut} were cut off before it"
    refused = sorted(one.seconds * 1000 for one in heard if one.status == 503)
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
    """How many calls have credits held; a connection that broke is replaced."""
    connection.close_if_unusable_or_obsolete()
    return Hold.objects.filter(state=HoldState.HELD).count()
