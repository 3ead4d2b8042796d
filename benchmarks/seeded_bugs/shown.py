"""Bugs in the money that callers and pages are shown."""

from benchmarks.seeded_bugs.bug import Bug, Edit

_REMAINING = ("tests/gateway/http/test_credits_remaining.py",)
_RECEIPT = ("tests/usage/test_receipt_page.py",)
_LEDGER = ("tests/billing/test_ledger_filter.py",)
_FILES = ("tests/usage/exports/test_exports.py",)
_LOG = ("tests/usage/test_request_log.py",)
_BUCKETS = ("tests/usage/test_buckets.py",)
_AGREES = ("tests/gateway/http/test_usage_agrees_with_ledger.py",)
_CHECKED = ("tests/usage/test_sums_are_checked.py",)
_SUMS = "billing/audit/sums.py"

SHOWN = (
    Bug(
        "a plain answer says what is available, not its own balance",
        (
            Edit(
                "gateway/http/sinks.py",
                'b"%d" % result.balance_after)',
                'b"%d" % (result.balance_after - (result.held or 0)))',
            ),
        ),
        _REMAINING,
    ),
    Bug(
        "a stream says what was left before it was charged",
        (
            Edit(
                "gateway/pipeline/run.py",
                "credits_remaining=result.balance_after,",
                "credits_remaining=(result.balance_after or 0) + result.charged,",
            ),
        ),
        _REMAINING,
    ),
    Bug(
        "a 402 says nothing of the balance",
        (
            Edit(
                "gateway/pipeline/admission.py",
                "error.credits_remaining = refused.posted",
                "error.credits_remaining = None",
            ),
        ),
        _REMAINING,
    ),
    Bug(
        "a receipt rounds down",
        (Edit("usage/receipts.py", "-(-self.millionths // T", "(self.millionths // T"),),
        _RECEIPT,
    ),
    Bug(
        "a log's total leaves out errors",
        (
            Edit(
                "usage/log_days.py",
                "return Total(requests, sum(",
                "return Total(requests - errors, sum(",
            ),
        ),
        _LOG,
    ),
    Bug(
        "calls that share the moment of a page's last one are lost",
        (
            Edit(
                "usage/request_log.py",
                "before.accepted_at + timedelta(microseconds=1)",
                "before.accepted_at",
            ),
        ),
        _LOG,
    ),
    Bug(
        "a session's calls count in their session and beside it",
        (
            Edit(
                "usage/reading/statement.py",
                '"rolled_session", sign="-row.sign"',
                '"rolled_session", sign="0"',
            ),
        ),
        _AGREES,
    ),
    Bug(
        "a call of another workspace is found by its id",
        (
            Edit(
                "usage/lookup.py",
                "WHERE record.workspace_id = %(workspace_id)s AND",
                "WHERE %(workspace_id)s > 0 AND",
            ),
        ),
        _RECEIPT,
    ),
    Bug(
        "the ledger is cut at another place once it has grown",
        (Edit("billing/ledger/cuts.py", "return later or low", "return low"),),
        _LEDGER,
    ),
    Bug(
        "the balance of a day leaves out what was posted side by side",
        (
            Edit(
                "billing/ledger/cuts.py",
                "entry.seq = coalesce(later.seq, search.low)",
                "entry.seq = search.low",
            ),
        ),
        _LEDGER,
    ),
    Bug(
        "a week begins on Sunday",
        (Edit("usage/reading/buckets.py", "days=day.weekday()", "days=(day.weekday() + 1) % 7"),),
        _BUCKETS,
    ),
    Bug(
        "the sum of usage has the other kinds in it",
        (
            Edit(
                "billing/pages/ledger_page.py",
                'credits - found["credits"] if usage',
                "credits if usage",
            ),
        ),
        _LEDGER,
    ),
    Bug(
        "the last day of the ledger's filter is left out",
        (Edit("billing/pages/ledger_filter.py", "self.last + _ONE_DAY", "self.last"),),
        _LEDGER,
    ),
    Bug(
        "the file of a statement has days of the viewer's time zone",
        (
            Edit(
                "usage/exports/views.py",
                'UTC if request.GET.get("zone") == "UTC" else zone_of',
                "zone_of",
            ),
        ),
        _FILES,
    ),
    Bug(
        "wrong sums of an hour go unnoticed",
        (
            Edit(
                _SUMS,
                '_found(cursor, hours_statement(_CHOSEN), parameters(chosen, "hours"), HOUR)',
                "list[Difference]()",
            ),
        ),
        _CHECKED,
    ),
    Bug(
        "wrong sums of a day go unnoticed",
        (
            Edit(
                _SUMS,
                '_found(cursor, days_statement(_CHOSEN), parameters(days, "days"), DAY)',
                "list[Difference]()",
            ),
        ),
        _CHECKED,
    ),
    Bug(
        "an hour that is not rolled up yet counts as wrong",
        (
            Edit(
                _SUMS,
                "WHERE dirty.workspace_id = compared.workspace_id",
                "WHERE false AND dirty.workspace_id = compared.workspace_id",
            ),
        ),
        _CHECKED,
    ),
    Bug(
        "what a roll-up has written is not compared",
        (Edit("usage/roll_up.py", "cursor.execute(_TO_BE_CHECKED, marked_hours(hours))", "pass"),),
        _CHECKED,
    ),
    Bug(
        "sums that wait for their check are said to be checked",
        (
            Edit(
                "usage/dashboard/agreement.py",
                "min(finished_at, unchecked_since or finished_at)",
                "finished_at",
            ),
        ),
        _CHECKED,
    ),
)
