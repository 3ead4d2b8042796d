"""Check every invariant of the books in one consistent snapshot.

Each rule is a query that returns the rows that break it: none, in a healthy database. Rules that
need tables above billing in the import map name them in SQL alone.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

RULES: dict[str, str] = {
    "posted is the sum of the entries": """
        SELECT wallet.id FROM billing_wallet wallet
        LEFT JOIN billing_ledgerentry entry ON entry.wallet_id = wallet.id
        GROUP BY wallet.id HAVING wallet.posted <> coalesce(sum(entry.amount), 0)""",
    "held is the sum of the open holds": """
        SELECT wallet.id FROM billing_wallet wallet
        LEFT JOIN billing_hold hold ON hold.wallet_id = wallet.id AND hold.state = 'open'
        GROUP BY wallet.id HAVING wallet.held <> coalesce(sum(hold.amount), 0)""",
    "posted covers held, and neither is negative": """
        SELECT id FROM billing_wallet WHERE held < 0 OR posted < held OR owed < 0""",
    "seq is contiguous from 1": """
        SELECT wallet.id FROM billing_wallet wallet
        LEFT JOIN billing_ledgerentry entry ON entry.wallet_id = wallet.id
        GROUP BY wallet.id
        HAVING wallet.seq <> count(entry.seq) OR wallet.seq <> coalesce(max(entry.seq), 0)""",
    "balance_after chains": """
        SELECT wallet_id FROM (
            SELECT wallet_id, balance_after, sum(amount)
                OVER (PARTITION BY wallet_id ORDER BY seq) AS running
            FROM billing_ledgerentry) AS entry
        WHERE balance_after <> running""",
    "each settled hold has one usage entry of its amount": """
        SELECT coalesce(hold.wallet_id, entry.wallet_id)
        FROM (SELECT * FROM billing_hold WHERE state = 'settled') AS hold
        FULL JOIN (SELECT * FROM billing_ledgerentry WHERE kind = 'usage') AS entry
            ON entry.wallet_id = hold.wallet_id AND entry.reference = hold.id::text
        WHERE hold.actual IS DISTINCT FROM -entry.amount""",
    "each settled hold has one request record of its amount": """
        SELECT coalesce(hold.wallet_id, wallet.id)
        FROM (SELECT * FROM billing_hold WHERE state = 'settled') AS hold
        FULL JOIN (SELECT * FROM usage_requestrecord WHERE credits > 0 OR id IN
                (SELECT id FROM billing_hold WHERE state = 'settled')) AS record
            ON record.id = hold.id
        LEFT JOIN billing_wallet wallet
            ON wallet.workspace_id = record.workspace_id AND wallet.pool = 'api'
        GROUP BY coalesce(hold.wallet_id, wallet.id), coalesce(hold.id, record.id)
        HAVING count(*) <> 1 OR min(hold.actual) IS DISTINCT FROM min(record.credits)""",
}
_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """A broken rule: in how many places, and the first wallets."""

    rule: str
    count: int
    wallet_ids: list[int]


@dataclass(frozen=True)
class AuditReport:
    """What one audit saw."""

    at: datetime
    wallets: int
    entries: int
    open_holds: int
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Whether every rule holds."""
        return not self.findings


@transaction.atomic(durable=True)
def audit() -> AuditReport:
    """Check every rule on one snapshot, so that running calls never look like errors."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(
            "SELECT (SELECT count(*) FROM billing_wallet),"
            " (SELECT count(*) FROM billing_ledgerentry),"
            " (SELECT count(*) FROM billing_hold WHERE state = 'open')"
        )
        wallets, entries, open_holds = cursor.fetchone()
        findings = [finding for rule, query in RULES.items() if (finding := _check(rule, query))]
    return AuditReport(timezone.now(), wallets, entries, open_holds, findings)


def _check(rule: str, query: str) -> Finding | None:
    with connection.cursor() as cursor:
        cursor.execute(query)
        wallet_ids = [row[0] for row in cursor.fetchall()]
    return Finding(rule, len(wallet_ids), wallet_ids[:_EXAMPLES]) if wallet_ids else None
