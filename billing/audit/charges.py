"""By how much, and when, the calls of a workspace whose books are wrong differ from its ledger.

The rules find a fault, for the operator; this is for the workspace's own page. It reads all of its
calls, so it is asked only about wallets with a finding.
"""

from collections.abc import Collection
from typing import Any

from billing.audit.rules import HOLD_ID
from billing.audit.sums import HOUR, Difference

# Of dropped months there are entries alone; an entry is written up to a day after its call began.
_OFF_LEDGER = f"""
WITH entry AS (
    SELECT wallet.workspace_id, {HOLD_ID} AS id, entry.created_at, entry.amount
    FROM billing_ledgerentry AS entry JOIN billing_wallet AS wallet ON wallet.id = entry.wallet_id
    WHERE wallet.id = ANY(%(wallets)s) AND entry.kind = 'usage' AND entry.created_at >=
        coalesce((SELECT kept_since + interval '1 day' FROM usage_recordretention), '-infinity')
), record AS (
    SELECT record.workspace_id, record.id, min(record.accepted_at) AS accepted_at,
        sum(record.credits) AS credits
    FROM usage_requestrecord AS record
    WHERE record.credits <> 0 AND record.workspace_id IN (
        SELECT workspace_id FROM billing_wallet WHERE id = ANY(%(wallets)s) AND pool = 'api')
    GROUP BY 1, 2
)
SELECT workspace_id, date_trunc('hour', coalesce(accepted_at, created_at), 'UTC'),
    sum(coalesce(credits, 0) + coalesce(amount, 0))::bigint
FROM entry FULL JOIN record USING (workspace_id, id)
GROUP BY 1, 2 HAVING sum(coalesce(credits, 0) + coalesce(amount, 0)) <> 0
ORDER BY 2 DESC LIMIT 1000
"""


def differences(cursor: Any, wallet_ids: Collection[int]) -> list[Difference]:
    """Return the hours whose calls cost something else by their records than by the ledger."""
    cursor.execute(_OFF_LEDGER, {"wallets": list(wallet_ids)})
    return [
        Difference(workspace_id, since, since + HOUR, 0, 0, 0, credits)
        for workspace_id, since, credits in cursor.fetchall()
    ]
