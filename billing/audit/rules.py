"""The invariants of the ledger as queries: each returns (wallet, place) for every violation, with
no place if it is the wallet itself.

All rules but the sums of `held` and `owed` compare single rows with their neighbours, found through
an index, so that the cost of a recent audit grows with the new rows only; those two read all open
holds and all top-ups. Together the rules prove the totals: if every entry continues the one before,
from the first on, and the wallet matches the newest, then its posted credits are the sum of its
entries and their seqs have no gap.

Rules that need tables above billing in the import map name them in SQL alone.

Parameters: `since`, a moment, and `suspects`, wallets checked from their first row on, with their
`workspaces`; `records_since`, which is `since` if there are none; `cutoff`, the moment from which
on closed holds are kept (billing/retention.py).
"""

_ENTRIES = "(entry.created_at >= %(since)s OR entry.wallet_id = ANY(%(suspects)s))"
_HOLDS = "(hold.closed_at >= %(since)s OR hold.wallet_id = ANY(%(suspects)s))"
# The first condition lets PostgreSQL skip the months before, as long as there are no suspects.
_RECORDS = (
    "record.accepted_at >= %(records_since)s"
    " AND (record.accepted_at >= %(since)s OR record.workspace_id = ANY(%(workspaces)s))"
)
_TOP_UPS = "(top_up.converged_at >= %(since)s OR top_up.wallet_id = ANY(%(suspects)s))"
# References are free text; the cast must not fail for those that are not an id.
_ID = "CASE WHEN pg_input_is_valid({0}, 'uuid') THEN ({0})::uuid END"
HOLD_ID = _ID.format("entry.reference")
# A hold has its request's id, in the form that customers and the log use.
_REQUEST = "'request req_' || replace({0}.id::text, '-', '')"
# The entries of top-ups, with references of the form `<top-up>:<number of its posting>`.
_OF_TOP_UP = "entry.kind IN ('top_up', 'refund', 'dispute')"
_TOP_UP_ID = _ID.format("split_part(entry.reference, ':', 1)")

RULES: dict[str, str] = {
    "a wallet matches its newest entry": """
        SELECT wallet.id, NULL FROM billing_wallet AS wallet
        LEFT JOIN LATERAL (
            SELECT seq, balance_after FROM billing_ledgerentry
            WHERE wallet_id = wallet.id ORDER BY seq DESC LIMIT 1) AS newest ON true
        WHERE wallet.seq <> coalesce(newest.seq, 0)
            OR wallet.posted <> coalesce(newest.balance_after, 0)""",
    "an entry continues the one before": f"""
        SELECT entry.wallet_id, 'entry ' || entry.seq FROM billing_ledgerentry AS entry
        LEFT JOIN billing_ledgerentry AS before
            ON before.wallet_id = entry.wallet_id AND before.seq = entry.seq - 1
        WHERE {_ENTRIES} AND entry.balance_after - entry.amount IS DISTINCT FROM
            CASE WHEN entry.seq = 1 THEN 0 ELSE before.balance_after END""",
    "held is the sum of the open holds": """
        SELECT wallet.id, NULL FROM billing_wallet AS wallet
        LEFT JOIN (
            SELECT wallet_id, sum(amount) AS amount FROM billing_hold
            WHERE state = 'open' GROUP BY wallet_id) AS open ON open.wallet_id = wallet.id
        WHERE wallet.held <> coalesce(open.amount, 0)""",
    "posted covers held, and nothing is negative": """
        SELECT id, NULL FROM billing_wallet WHERE held < 0 OR posted < held OR owed < 0""",
    # A debit moves posted, and owed if posted is too little; a repayment has the reference of the
    # credit it was taken from, which may be the welcome credits.
    "owed is what top-ups took back and the entries lack": f"""
        SELECT wallet.id, NULL FROM billing_wallet AS wallet
        LEFT JOIN (
            SELECT wallet_id, sum(credited - refunded - disputed) AS credits
            FROM billing_topup GROUP BY wallet_id) AS bought ON bought.wallet_id = wallet.id
        LEFT JOIN LATERAL (
            SELECT sum(CASE WHEN {_OF_TOP_UP} THEN entry.amount ELSE 0 END
                + coalesce(repaid.amount, 0)) AS credits
            FROM billing_ledgerentry AS entry
            LEFT JOIN billing_ledgerentry AS repaid ON repaid.wallet_id = entry.wallet_id
                AND repaid.kind = 'adjustment' AND repaid.reference = entry.reference
            WHERE entry.wallet_id = wallet.id
                AND ({_OF_TOP_UP} OR entry.kind = 'grant')) AS in_ledger ON true
        WHERE (bought.wallet_id IS NOT NULL OR wallet.owed <> 0)
            AND wallet.owed <> coalesce(in_ledger.credits, 0) - coalesce(bought.credits, 0)""",
    "a credited top-up has its entry": f"""
        SELECT top_up.wallet_id, 'top-up ' || top_up.id FROM billing_topup AS top_up
        LEFT JOIN billing_ledgerentry AS entry ON entry.wallet_id = top_up.wallet_id
            AND entry.kind = 'top_up' AND entry.reference = top_up.id || ':1'
        WHERE {_TOP_UPS} AND top_up.credited <> coalesce(entry.amount, 0)""",
    "an entry of a top-up names one of its wallet's": f"""
        SELECT entry.wallet_id, 'entry ' || entry.seq FROM billing_ledgerentry AS entry
        LEFT JOIN billing_topup AS top_up ON top_up.wallet_id = entry.wallet_id
            AND top_up.id = {_TOP_UP_ID}
        WHERE {_ENTRIES} AND {_OF_TOP_UP} AND top_up.id IS NULL""",
    # A reference is posted once, so the demo wallet is filled once a day.
    "a demo entry is the demo wallet's and names its day": f"""
        SELECT entry.wallet_id, 'entry ' || entry.seq FROM billing_ledgerentry AS entry
        LEFT JOIN billing_demowallet AS demo ON demo.wallet_id = entry.wallet_id
        WHERE {_ENTRIES} AND entry.kind = 'demo' AND (demo.wallet_id IS NULL
            OR entry.reference <> to_char(entry.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'))""",
    "a settled hold has a usage entry of its amount": f"""
        SELECT hold.wallet_id, 'hold of ' || {_REQUEST.format("hold")} FROM billing_hold AS hold
        LEFT JOIN billing_ledgerentry AS entry ON entry.wallet_id = hold.wallet_id
            AND entry.kind = 'usage' AND entry.reference = hold.id::text
        WHERE {_HOLDS} AND hold.state = 'settled'
            AND hold.actual IS DISTINCT FROM -entry.amount""",
    "a usage entry has a settled hold of its amount": f"""
        SELECT entry.wallet_id, 'entry ' || entry.seq FROM billing_ledgerentry AS entry
        LEFT JOIN billing_hold AS hold ON hold.wallet_id = entry.wallet_id
            AND hold.id = {HOLD_ID} AND hold.state = 'settled'
        WHERE {_ENTRIES} AND entry.kind = 'usage'
            AND hold.actual IS DISTINCT FROM -entry.amount
            AND (hold.id IS NOT NULL OR entry.created_at >= %(cutoff)s)""",
    "a settled hold has a request record of its amount": f"""
        SELECT hold.wallet_id, 'hold of ' || {_REQUEST.format("hold")} FROM billing_hold AS hold
        JOIN billing_wallet AS wallet ON wallet.id = hold.wallet_id
        LEFT JOIN usage_requestrecord AS record ON record.workspace_id = wallet.workspace_id
            AND record.accepted_at = hold.accepted_at AND record.id = hold.id
        WHERE {_HOLDS} AND hold.state = 'settled'
            AND hold.actual IS DISTINCT FROM record.credits""",
    # A call that was refused before any credits were held costs nothing.
    "a request record has a settled or voided hold of its amount": f"""
        SELECT wallet.id, {_REQUEST.format("record")} FROM usage_requestrecord AS record
        LEFT JOIN billing_wallet AS wallet
            ON wallet.workspace_id = record.workspace_id AND wallet.pool = 'api'
        LEFT JOIN billing_hold AS hold ON hold.wallet_id = wallet.id AND hold.id = record.id
            AND hold.accepted_at = record.accepted_at AND hold.state <> 'open'
        WHERE {_RECORDS} AND (hold.id IS NOT NULL OR record.accepted_at >= %(cutoff)s)
            AND (hold.id IS NULL OR record.credits <> coalesce(hold.actual, 0))
            AND (record.ending <> 'refused' OR record.credits <> 0)""",
    # Before the cut-off the hold may be deleted, and no longer links the two.
    "an old request record has a usage entry of its amount": f"""
        SELECT wallet.id, {_REQUEST.format("record")} FROM usage_requestrecord AS record
        LEFT JOIN billing_wallet AS wallet
            ON wallet.workspace_id = record.workspace_id AND wallet.pool = 'api'
        LEFT JOIN billing_ledgerentry AS entry ON entry.wallet_id = wallet.id
            AND entry.kind = 'usage' AND entry.reference = record.id::text
        WHERE {_RECORDS} AND record.accepted_at < %(cutoff)s
            AND record.credits <> -coalesce(entry.amount, 0)""",
    # Void records and those of before the column have no lines: their sum is NULL.
    "a record's lines, rounded up once, are its credits and its loss": f"""
        SELECT wallet.id, {_REQUEST.format("record")} FROM usage_requestrecord AS record
        LEFT JOIN billing_wallet AS wallet
            ON wallet.workspace_id = record.workspace_id AND wallet.pool = 'api'
        CROSS JOIN LATERAL (
            SELECT ceil(sum((line->>'units')::numeric * (line->>'price')::numeric) / 1000000)
                AS credits FROM jsonb_array_elements(record.lines) AS line) AS priced
        WHERE {_RECORDS} AND priced.credits <> record.credits + record.lost_credits""",
}

# The rows that an audit checks: wallets, entries, holds, records.
COUNTS = f"""
    SELECT (SELECT count(*) FROM billing_wallet),
        (SELECT count(*) FROM billing_ledgerentry AS entry WHERE {_ENTRIES}),
        (SELECT count(*) FROM billing_hold AS hold WHERE {_HOLDS} OR hold.state = 'open'),
        (SELECT count(*) FROM usage_requestrecord AS record WHERE {_RECORDS})"""
