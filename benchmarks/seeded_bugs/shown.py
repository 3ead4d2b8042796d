"""Bugs in the money that callers and pages are shown."""

from benchmarks.seeded_bugs.bug import Bug, Edit

_REMAINING = ("tests/gateway/http/test_credits_remaining.py",)
_RECEIPT = ("tests/usage/test_receipt_page.py",)

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
)
