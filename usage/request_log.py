"""The log of calls in pages, newest first."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from usage.models import RequestRecord
from usage.ranges import Period

PAGE_SIZE = 25


class Cursor(NamedTuple):
    """The last call of a page; the next page begins after it. In an address: <time>_<id>."""

    accepted_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.accepted_at:%Y%m%dT%H%M%S.%fZ}_{self.id.hex}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Parse the output of str(); return None for anything else."""
        moment, _, hex_id = text.partition("_")
        try:
            accepted_at = datetime.strptime(f"{moment}+0000", "%Y%m%dT%H%M%S.%fZ%z")
            return cls(accepted_at, UUID(hex=hex_id))
        except ValueError:
            return None


class CallsPage(NamedTuple):
    """Calls, newest first, and the cursor of the next page when there are older ones."""

    calls: list[RequestRecord]
    older: Cursor | None


def calls_page(period: Period, *, before: Cursor | None = None) -> CallsPage:
    """Return the calls accepted in the period that are older than `before`."""
    some = list(records_before(period, before)[: PAGE_SIZE + 1])
    page = some[:PAGE_SIZE]
    last = page[-1] if len(some) > PAGE_SIZE else None
    return CallsPage(page, Cursor(last.accepted_at, last.id) if last else None)


def records_before(period: Period, before: Cursor | None) -> QuerySet[RequestRecord]:
    """Return the period's records that are older than `before`, newest first.

    Keyset pagination: page 1,000 costs no more than the first, and new calls shift no page. The
    separate condition on the time lets PostgreSQL skip whole monthly partitions.
    """
    records = RequestRecord.objects.filter(
        workspace_id=period.workspace_id,
        accepted_at__gte=period.since,
        accepted_at__lt=period.until,
    )
    if before is not None:
        records = records.filter(
            Q(accepted_at__lt=before.accepted_at)
            | Q(accepted_at=before.accepted_at, id__lt=before.id),
            accepted_at__lte=before.accepted_at,
        )
    return records.select_related("key").order_by("-accepted_at", "-id")
