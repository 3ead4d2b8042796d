"""Check the ledger and the sums of usage against every rule, in one consistent snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from billing.audit import charges, sums
from billing.audit.rules import COUNTS, RULES
from billing.audit.sums import Difference, Hour
from billing.models import HoldRetention, Wallet

_EXAMPLES = 5
_SUMS = "the sums of usage are those of the request records"
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
    """A broken rule: the number of places, the first of them, and all wallets concerned.

    Wrong sums concern no wallet: what is charged does not depend on them.
    """

    rule: str
    count: int
    wallet_ids: list[int]
    places: list[str]


@dataclass(frozen=True)
class AuditReport:
    """The result of one audit. The next can skip all rows written before `covered_until`.

    `hours` are those whose sums of usage were compared; None means all of them. `differences` are
    wrong sums, and calls that the ledger has otherwise.
    """

    at: datetime
    covered_from: datetime | None
    covered_until: datetime
    wallets: int
    entries: int
    holds: int
    records: int
    findings: list[Finding]
    hours: list[Hour] | None
    differences: list[Difference]

    @property
    def is_ok(self) -> bool:
        """Whether every rule holds."""
        return not self.findings

    @property
    def wallet_ids(self) -> set[int]:
        """The wallets with a finding."""
        return _wallet_ids(self.findings)


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
        hours = sums.waiting(cursor) if since else None
        wrong_sums = sums.differences(cursor, hours)
        off_ledger = charges.differences(cursor, _wallet_ids(findings)) if findings else []
        if wrong_sums:
            findings.append(_of_sums(wrong_sums))
    return AuditReport(
        at=at,
        covered_from=since,
        covered_until=covered_until,
        wallets=wallet_count,
        entries=entries,
        holds=holds,
        records=records,
        findings=findings,
        hours=hours,
        differences=sums.added_up([*off_ledger, *wrong_sums]),
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


def _wallet_ids(findings: Sequence[Finding]) -> set[int]:
    return {wallet_id for finding in findings for wallet_id in finding.wallet_ids}


def _of_sums(differences: Sequence[Difference]) -> Finding:
    return Finding(_SUMS, len(differences), [], [str(one) for one in differences[:_EXAMPLES]])
