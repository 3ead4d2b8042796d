"""Bugs in posting, roll-ups and audits outside the gateway."""

from benchmarks.seeded_bugs.bug import Bug, Edit

_LEDGER = "billing/ledger/posting.py"
_GUARDS = "billing/migrations/0002_guards.py"

_POSTS = ("tests/billing/test_ledger_posting.py",)
_DEMO = ("tests/billing/test_demo_wallet.py",)
_AUDITS = ("tests/billing/test_audit_ledger.py",)
_RETENTION = ("tests/billing/test_hold_retention.py",)
_REFUNDS = (
    "tests/billing/top_ups/test_refunds_and_disputes.py",
    "tests/gateway/metering/test_money_model.py",
)
_ROLL_UPS = ("tests/usage/test_roll_up.py",)
_PAGES = ("tests/usage/test_pages_of_sessions.py",)
_ADDS_UP = ("tests/usage/test_usage_adds_up.py",)
_REFUSES = ("tests/billing/test_database_constraints.py",)

BOOKS = (
    Bug(
        "a movement without its wallet",
        (
            Edit(
                _LEDGER,
                'wallet.save(update_fields=["posted", "seq"])',
                'wallet.save(update_fields=["seq"])',
            ),
        ),
        _POSTS,
    ),
    Bug(
        "a posting is not idempotent",
        (Edit(_LEDGER, "if earlier is not None:", "if earlier is not None and earlier.seq < 0:"),),
        _POSTS,
    ),
    Bug(
        "a posting may take what is held",
        (Edit(_LEDGER, "wallet.available < -amount", "wallet.posted < -amount"),),
        _POSTS,
    ),
    Bug(
        "a posting does not lock",
        (
            Edit(
                "billing/ledger/wallets.py",
                'wallets.order_by("id").select_for_update(of=("self",))',
                'wallets.order_by("id")',
            ),
        ),
        _POSTS,
    ),
    Bug(
        "welcome credits for each account instead of each person",
        (
            Edit("billing/ledger/welcome.py", "    return is_first\n", "    return True\n"),
            Edit(
                "billing/ledger/welcome.py",
                "Q(wallet=wallet) | Q(person__in=[person, keyed_plain_digest(plain)])",
                "Q(wallet=wallet)",
            ),
        ),
        ("tests/billing/test_welcome_credits.py",),
    ),
    Bug(
        "welcome credits for each address of a workspace",
        (
            Edit(
                "billing/ledger/welcome.py",
                "Q(wallet=wallet) | Q(person__in=[person, keyed_plain_digest(plain)])",
                "Q(person__in=[person, keyed_plain_digest(plain)])",
            ),
        ),
        ("tests/billing/test_welcome_credits.py",),
    ),
    Bug(
        "welcome credits are spendable although the wallet owes",
        (
            Edit(
                "billing/ledger/welcome.py",
                "from billing.ledger import clawback, wallets",
                "from billing.ledger import posting, wallets",
            ),
            Edit("billing/ledger/welcome.py", "clawback.credit(", "posting.post("),
        ),
        ("tests/billing/test_welcome_credits.py",),
    ),
    Bug(
        "the demo wallet is filled by each beat",
        (
            Edit(
                "billing/ledger/demo.py",
                "reference = day.isoformat()",
                'reference = f"{day.isoformat()}#{locked.seq}"',
            ),
        ),
        _DEMO,
    ),
    Bug(
        "the demo wallet gets a day's credits on top of what is left",
        (Edit("billing/ledger/demo.py", "credits - locked.posted,", "credits,"),),
        _DEMO,
    ),
    Bug(
        "owed credits are not repaid",
        (Edit("billing/ledger/clawback.py", "    if repaid:", "    if repaid < 0:"),),
        _REFUNDS,
    ),
    Bug(
        "a top-up that was cancelled can still be paid",
        (
            Edit(
                "billing/stripe/top_ups.py",
                "row.filter(state=TopUpState.PENDING).update(stripe_session_id",
                "row.update(stripe_session_id",
            ),
        ),
        ("tests/billing/top_ups/test_topping_up.py",),
    ),
    Bug(
        "credits before the payment is paid",
        (
            Edit(
                "billing/stripe/payments.py",
                'if payment.payment_status != "paid":',
                'if payment.status != "complete":',
            ),
        ),
        ("tests/billing/top_ups/test_judging_payments.py",),
    ),
    Bug(
        "a payment whose event was lost stays under way",
        (Edit("billing/stripe/reconciliation.py", "None and payment.changed_at > since", "None"),),
        ("tests/billing/top_ups/test_reconcile_stripe.py",),
    ),
    Bug(
        "a payment without a top-up counts as under way",
        (
            Edit(
                "billing/stripe/reconciliation.py",
                "is_young and payment.session_id in known",
                "is_young",
            ),
        ),
        ("tests/billing/top_ups/test_reconcile_stripe.py",),
    ),
    Bug(
        "roll-ups add to what is there instead of replacing it",
        (
            Edit(
                "usage/roll_up.py",
                'SET {", ".join(f"{name} = excluded.{name}" for name in (*MEASURES, *_DETAILS))}',
                'SET {", ".join(f"{name} = excluded.{name} + row.{name}" for name in MEASURES)}',
            ),
        ),
        _ROLL_UPS,
    ),
    Bug(
        "roll-ups leave out further refusals",
        (Edit("usage/measures.py", '"coalesce(record.refusals, 1)"', '"1"'),),
        _ROLL_UPS,
    ),
    Bug(
        "the marked hours are read from roll-ups and records both",
        (
            Edit(
                "usage/reading/statement.py",
                "rolled_edges)s::timestamptz[]), -1",
                "rolled_edges)s::timestamptz[]), 0",
            ),
        ),
        _ADDS_UP,
    ),
    Bug(
        "the correction at a midnight has the wrong sign",
        (Edit("usage/reading/levels.py", "1 if exact > rough else -1", "1"),),
        _ADDS_UP,
    ),
    Bug(
        "a day of a session has only the hours that are summed up again",
        (
            Edit(
                "usage/session_roll_up.py",
                "        AND bucket >= touched.day AND bucket < touched.day + interval '1 day'\n",
                "        AND bucket = ANY (%(hours)s::timestamptz[])\n",
            ),
        ),
        _ROLL_UPS,
    ),
    Bug(
        "a day of a session ends an hour early",
        (
            Edit(
                "usage/session_roll_up.py",
                "bucket < touched.day + interval '1 day'",
                "bucket < touched.day + interval '23 hours'",
            ),
        ),
        _ADDS_UP,
    ),
    Bug(
        "days of sessions are read without the quarter hours at their edges",
        (
            Edit(
                "usage/reading/statement.py",
                "        if some\n",
                "        if some and not prefix\n",
            ),
        ),
        _ADDS_UP,
    ),
    Bug(
        "a page of sessions ends at the days that were looked at",
        (
            Edit(
                "usage/reading/read.py",
                "return shorter != question and len(rows) < (question.limit or 0)",
                "return False",
            ),
        ),
        _PAGES,
    ),
    Bug(
        "a file of calls announces more rows than it has",
        (
            Edit(
                "usage/exports/tables.py",
                "coalesce(sum(requests), 0) - ({further})",
                "coalesce(sum(requests), 0)",
            ),
        ),
        _ADDS_UP,
    ),
    Bug(
        "two roll-ups at once",
        (Edit("usage/roll_up.py", "        cursor.execute(LOCK)\n", ""),),
        _ADDS_UP,
    ),
    Bug(
        "a refusal written twice counts twice",
        (
            Edit(
                "usage/refused_records.py",
                "greatest(record.refusals, excluded.refusals)",
                "record.refusals + excluded.refusals",
            ),
        ),
        ("tests/gateway/runtime/test_refusals.py",),
    ),
    Bug(
        "months are dropped before they are rolled up",
        (
            Edit(
                "usage/retention.py",
                "if DirtyHour.objects.filter(starts_at__lt=until).exists():",
                "if False:",
            ),
        ),
        ("tests/usage/test_retention.py",),
    ),
    Bug(
        "the audit does not compare held with the holds",
        (Edit("billing/audit/rules.py", "wallet.held <> coalesce(open.amount, 0)", "false"),),
        _AUDITS,
    ),
    Bug(
        "the audit does not check what is owed",
        (
            Edit(
                "billing/audit/rules.py",
                "AND wallet.owed <> coalesce(in_ledger",
                "AND 0 > coalesce(in_ledger",
            ),
        ),
        _AUDITS,
    ),
    Bug(
        "the audit accepts an entry of a top-up that does not exist",
        (Edit("billing/audit/rules.py", "AND {_OF_TOP_UP} AND top_up.id IS NULL", "AND false"),),
        _AUDITS,
    ),
    Bug(
        "closed holds are deleted that the audit expects",
        (Edit("billing/retention.py", "retention.cutoff - _CLOCKS_DIFFER_BY", "timezone.now()"),),
        _RETENTION,
    ),
    Bug(
        "open holds are deleted when they are old",
        (
            Edit(
                "billing/retention.py",
                "closed_at >= %(since)s AND closed_at < %(until)s AND accepted_at",
                "accepted_at",
            ),
        ),
        _RETENTION,
    ),
    Bug(
        "the audit does not check old records whose holds are deleted",
        (Edit("billing/audit/rules.py", "record.accepted_at < %(cutoff)s", "false"),),
        _RETENTION,
    ),
    Bug(
        "a debit beyond the available credits is not owed",
        (Edit("billing/ledger/clawback.py", "    if amount > taken:", "    if amount < taken:"),),
        _REFUNDS,
    ),
    Bug(
        "the audit forgets transactions that were open during the last one",
        (
            Edit(
                "billing/audit/report.py",
                "least(clock_timestamp(), min(xact_start)) - interval '1 minute'",
                "clock_timestamp()",
            ),
        ),
        _AUDITS,
    ),
    Bug(
        "the ledger can be changed",
        (Edit(_GUARDS, "BEFORE UPDATE OR DELETE", "BEFORE DELETE"),),
        _REFUSES,
    ),
    Bug(
        "a hold can be on the subscription wallet",
        (
            Edit(
                _GUARDS,
                'migrations.RunSQL(POOL, "ALTER TABLE billing_hold DROP CONSTRAINT'
                ' hold_wallet_and_pool"),',
                "",
            ),
        ),
        _REFUSES,
    ),
    Bug(
        "the audit does not compare a record's lines with its credits",
        (
            Edit(
                "billing/audit/rules.py",
                "AND priced.credits <> record.credits + record.lost_credits",
                "AND false",
            ),
        ),
        ("tests/billing/test_audit_of_price_lines.py",),
    ),
)
