"""Bugs in the mails about money: one too many, or one too few."""

from benchmarks.seeded_bugs.bug import Bug, Edit

_ONCE = (
    "tests/billing/top_ups/test_low_balance_mail.py",
    "tests/usage/alerts/test_spend_alerts.py",
    "tests/usage/alerts/test_alerts_come_once.py",
)

ALERTED = (
    Bug(
        "a balance that stays below its line has a mail at each entry",
        (
            Edit(
                "billing/alerts/low_balance.py",
                "before >= %(line)s AND balance_after",
                "before > 0 AND balance_after",
            ),
        ),
        _ONCE,
    ),
    Bug(
        "of two crossings between two checks one has a mail",
        (
            Edit(
                "billing/alerts/low_balance.py",
                "for seq, balance in _crossings(threshold, wallet)",
                "for seq, balance in _crossings(threshold, wallet)[-1:]",
            ),
        ),
        _ONCE,
    ),
    Bug(
        "a day that spends the line to the credit has a mail",
        (
            Edit(
                "usage/alerts/spend.py",
                "row.credits > alerts.day_line",
                "row.credits >= alerts.day_line",
            ),
        ),
        _ONCE,
    ),
    Bug(
        "each hour of a key that goes on far above its usual has a mail",
        (Edit("usage/alerts/spend.py", "roles=() if goes_on else KEY_ROLES", "roles=KEY_ROLES"),),
        _ONCE,
    ),
    Bug(
        "a second refund of a top-up has no mail",
        (
            Edit(
                "billing/stripe/convergence.py",
                'movement["reference"], returned',
                "str(top_up.id), returned",
            ),
        ),
        ("tests/billing/top_ups/test_mails_about_payments.py",),
    ),
    Bug(
        "a payment that failed long ago has a second mail",
        (
            Edit(
                "billing/alerts/retention.py",
                "kind=AlertKind.PAYMENT_FAILED",
                "kind=AlertKind.DISPUTE",
            ),
        ),
        ("tests/usage/alerts/test_alert_retention.py",),
    ),
)
