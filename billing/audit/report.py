"""Check the ledger against every rule, in one consistent snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from billing.audit.rules import COUNTS, RULES
from billing.models import HoldRetention, Wallet

_EXAMPLES = 5
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
# Rows carry the moment their transaction began. A row that our snapshot misses was written by a
# transaction that was still running at this query, or began later; one that began at the same
# moment may not be listed yet. So the next audit looks a minute further back.
_COVERED_UNTIL = (
    "SELECT clock_timestamp(), least(clock_timestamp(), min(xact_start)) - interval '1 minute'"
    " FROM pg_stat_activity"
)


@dataclass(frozen=True)
class Finding:
    """A broken rule: the number of places, the first of them, and all wallets concerned."""

    rule: str
    count: int
    wallet_ids: list[int]
    places: list[str]


@dataclass(frozen=True)
class AuditReport:
    """The result of one audit. The next can skip all rows written before `covered_until`."""

    at: datetime
    covered_from: datetime | None
    covered_until: datetime
    wallets: int
    entries: int
    holds: int
    records: int
    findings: list[Finding]

    @property
    def is_ok(self) -> bool:
        """Whether every rule holds."""
        return not self.findings

    @property
    def wallet_ids(self) -> set[int]:
        """The wallets with a finding."""
        return {wallet_id for finding in self.findings for wallet_id in finding.wallet_ids}


def audit(*, since: datetime | None = None) -> AuditReport:
    """Check all rows, or with `since` those that are newer, and those of frozen wallets.

    All wallets are always checked: they are few, and the only rows that change.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COVERED_UNTIL)
        at, covered_until = cursor.fetchone()
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        # One snapshot, so that running calls cannot cause findings.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        frozen = list(Wallet.objects.exclude(frozen_at=None).values_list("id", "workspace_id"))
        scope: dict[str, Any] = {
            "since": since or _BEGINNING,
            "records_since": (not frozen and since) or _BEGINNING,
            "suspects": [wallet_id for wallet_id, _ in frozen],
            "workspaces": [workspace_id for _, workspace_id in frozen],
            "cutoff": HoldRetention.objects.values_list("cutoff", flat=True).first() or _BEGINNING,
        }
        cursor.execute(COUNTS, scope)
        wallet_count, entries, holds, records = cursor.fetchone()
        findings = [found for rule in RULES if (found := _check(rule, scope)) is not None]
    return AuditReport(
        at=at,
        covered_from=since,
        covered_until=covered_until,
        wallets=wallet_count,
        entries=entries,
        holds=holds,
        records=records,
        findings=findings,
    )


def _check(rule: str, scope: Mapping[str, Any]) -> Finding | None:
    with connection.cursor() as cursor:
        cursor.execute(RULES[rule], scope)
        rows = cursor.fetchall()
    if not rows:
        return None
    # A record of an unknown workspace has no wallet.
    wallet_ids = sorted({wallet_id for wallet_id, _ in rows if wallet_id is not None})
    places = [
        f"{place} of wallet {wallet_id}" if place else f"wallet {wallet_id}"
        for wallet_id, place in rows[:_EXAMPLES]
    ]
    return Finding(rule, len(rows), wallet_ids, places)
