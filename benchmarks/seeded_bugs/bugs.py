"""The bugs: each a few words changed in one place, of the kind that reviews let through."""

from typing import NamedTuple


class Edit(NamedTuple):
    """A piece of text that stands once in a file, and what takes its place."""

    file: str
    old: str
    new: str


class Bug(NamedTuple):
    """What is wrong, where, and which tests must notice."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


_APPLY = "usage/migrations/0004_gateway_apply.py"
_STATEMENT = "gateway/metering/statement.py"
_WRITER = "gateway/metering/writer.py"
_REAPER = "gateway/metering/reaper.py"
_LINK = "gateway/metering/link.py"
_CONNECTIONS = "gateway/metering/connections.py"
_JOURNAL = "gateway/metering/journal.py"
_LEDGER = "billing/ledger.py"
_GUARDS = "billing/migrations/0002_guards.py"

_DECIDES = ("tests/metering/test_decides_in_batches.py",)
_WRITES = ("tests/metering/test_writes_money.py",)
_OUTAGE = ("tests/metering/test_rides_out_an_outage.py",)
_KEEPS_JOURNAL = ("tests/metering/test_keeps_a_journal.py",)
_FREES = ("tests/metering/test_frees_dead_holds.py",)
_POSTS = ("tests/billing/test_posts_to_the_ledger.py",)
_AUDITS = ("tests/billing/test_audits_the_books.py",)
_GOES_BACK = (
    "tests/billing/top_ups/test_money_goes_back.py",
    "tests/metering/test_money_agrees_with_a_model.py",
)
_REFUSES = ("tests/billing/test_the_database_refuses.py",)

BUGS = (
    Bug(
        "the balance is not looked at",
        (Edit(_APPLY, "ELSIF op.amount > posted_now - held_now", "ELSIF op.amount > posted_now"),),
        _DECIDES,
    ),
    Bug(
        "a hold sets nothing aside",
        (Edit(_APPLY, "held_now := held_now + op.amount;", "held_now := held_now + 0;"),),
        _DECIDES,
    ),
    Bug(
        "a settlement that comes again is charged again",
        (
            Edit(
                _APPLY,
                "IF op.state = 'settled' THEN\n"
                "                charge := op.hold_actual;\n"
                "            ELSIF op.state = 'open' THEN\n",
                "IF op.state <> 'void' THEN\n",
            ),
        ),
        _DECIDES,
    ),
    Bug(
        "more is charged than was held",
        (
            Edit(
                _APPLY,
                "    charge := least(op.actual, op.hold_amount);\n"
                "                END IF;\n"
                "            ELSIF",
                "    charge := op.actual;\n                END IF;\n            ELSIF",
            ),
        ),
        _DECIDES,
    ),
    Bug(
        "a void is charged, since least() passes over NULL",
        (Edit(_APPLY, "IF op.actual IS NOT NULL THEN  --", "IF true THEN  --"),),
        _DECIDES,
    ),
    Bug(
        "a settlement frees what was freed before",
        (
            Edit(
                _APPLY,
                "IF op.state = 'open' THEN\n            held_now",
                "IF op.state <> 'settled' THEN\n            held_now",
            ),
        ),
        _DECIDES,
    ),
    Bug(
        "a void frees nothing",
        (
            Edit(
                _APPLY,
                "held_now := held_now - op.hold_amount;",
                "held_now := held_now - CASE WHEN charge IS NULL THEN 0 ELSE op.hold_amount END;",
            ),
        ),
        _DECIDES,
    ),
    Bug(
        "a release gives back what was settled",
        (
            Edit(
                _APPLY,
                "IF op.state = 'open' THEN\n            held_now",
                "IF op.state = 'open' OR op.kind = 'release' AND op.state = 'settled' THEN\n"
                "            held_now",
            ),
        ),
        _DECIDES,
    ),
    Bug(
        "an entry without its movement",
        (Edit(_APPLY, "posted_now := posted_now - charge;", "posted_now := posted_now;"),),
        _DECIDES,
    ),
    Bug(
        "a seq is skipped",
        (Edit(_APPLY, "seq_now := seq_now + 1;", "seq_now := seq_now + 2;"),),
        _DECIDES,
    ),
    Bug(
        "a booked loss is charged after all when its end comes again",
        (Edit(_APPLY, "IF NOT FOUND THEN", "IF true THEN"),),
        _DECIDES,
    ),
    Bug(
        "a reaped hold is charged though its credits are gone",
        (Edit(_APPLY, "<= posted_now - held_now\n", "<= posted_now\n"),),
        _DECIDES,
    ),
    Bug(
        "one wallet's balance goes on in the next one",
        (
            Edit(
                _APPLY, "posted_now := op.posted;", "posted_now := coalesce(posted_now, op.posted);"
            ),
        ),
        _DECIDES,
    ),
    Bug(
        "one wallet's numbering goes on in the next one",
        (Edit(_APPLY, "seq_now := op.seq;", "seq_now := coalesce(seq_now, op.seq);"),),
        _DECIDES,
    ),
    Bug(
        "one wallet's holds go on in the next one",
        (Edit(_APPLY, "held_now := op.held;", "held_now := coalesce(held_now, op.held);"),),
        _DECIDES,
    ),
    Bug(
        "a key is good for ever",
        (Edit(_APPLY, "key.expires_at > clock_timestamp()", "true"),),
        _DECIDES,
    ),
    Bug(
        "operations for one request meet in a batch, where neither sees the other",
        (Edit(_STATEMENT, "seen.add(operation.id)", "seen.add(object())"),),
        _DECIDES,
    ),
    Bug(
        "wallets are not locked",
        (Edit(_APPLY, "ORDER BY id FOR UPDATE\n", "ORDER BY id\n"),),
        _WRITES,
    ),
    Bug(
        "the key is read before the lock is taken, and a revocation in between is missed",
        (
            Edit(
                _APPLY,
                "    charge bigint;\n",
                "    charge bigint;\n"
                "    usable bigint[] := ARRAY("
                "SELECT id FROM keys_apikey WHERE revoked_at IS NULL);\n",
            ),
            Edit(_APPLY, "AND key.revoked_at IS NULL", "AND key.id = ANY (usable)"),
        ),
        _WRITES,
    ),
    Bug(
        "revoking does not wait for holds under way",
        (
            Edit(
                "keys/services.py",
                "    wallets.locked(Wallet.objects.filter(workspace=key.workspace_id))\n",
                "",
            ),
        ),
        ("tests/keys", "tests/metering/test_writes_money.py"),
    ),
    Bug(
        "a frozen wallet makes holds",
        (Edit(_APPLY, "ELSIF op.is_frozen THEN", "ELSIF false THEN"),),
        _DECIDES,
    ),
    Bug(
        "one bad operation fails its whole batch",
        (Edit(_WRITER, "        if len(jobs) > 1:\n", "        if not jobs:\n"),),
        _WRITES,
    ),
    Bug(
        "one bad end in a journal fails all its others",
        (
            Edit(
                "gateway/metering/transactions.py",
                '            logger.exception("a batch of %d operations failed", len(batch))\n',
                "            return [error for _ in batch]\n",
            ),
        ),
        _KEEPS_JOURNAL + _FREES + _OUTAGE,
    ),
    Bug(
        "what PostgreSQL refused is taken for written",
        (
            Edit(
                "gateway/metering/wire.py",
                "    return error\n",
                '    return b"[[null],[0],[0]]"\n',
            ),
        ),
        _WRITES,
    ),
    Bug(
        "what does not fit into the socket is never sent",
        (
            Edit(
                "gateway/metering/wire.py",
                "self._loop.add_writer(self._socket, self._send_rest)",
                "pass",
            ),
        ),
        _WRITES,
    ),
    Bug(
        "a refused reserve whose commit went unheard keeps its hold",
        (Edit(_WRITER, "if may_be_written:", "if not may_be_written:"),),
        _OUTAGE,
    ),
    Bug(
        "an end of a call is told before it is on the disk",
        (Edit(_WRITER, "            self._journal.append(closes)\n", "            pass\n"),),
        _OUTAGE,
    ),
    Bug(
        "the journal is emptied without being applied",
        (
            Edit(
                _WRITER,
                "failed = transactions.replay(connection, closes, owner=self._owner)",
                "failed = transactions.replay(connection, closes[:0], owner=self._owner)",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "the charge told from the journal is not capped by the hold",
        (
            Edit(
                "gateway/metering/operations.py",
                "charged = min(self.actual or 0, self.held)",
                "charged = self.actual or 0",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "nobody notices a database that falls silent",
        (Edit(_LINK, "if self._is_suspicious() and not self._answers():", "if False:"),),
        _OUTAGE,
    ),
    Bug(
        "a busy database is taken for one that is away",
        (
            Edit(
                _LINK,
                "if self._is_suspicious() and not self._answers():",
                "if self._is_suspicious():",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "what was sent before the connection broke may arrive after it",
        (Edit(_LINK, "if not self._is_session_over(self._probe):", "if False:"),),
        ("tests/metering/test_takes_no_late_batch.py",),
    ),
    Bug(
        "a database that is read-only is taken to refuse the call",
        (Edit(_CONNECTIONS, "return isinstance(error, psycopg.Error) and", "return False and"),),
        ("tests/metering/test_waits_for_a_ledger_that_takes_nothing.py",),
    ),
    Bug(
        "a role may choose how isolated its transactions are",
        (
            Edit(
                _CONNECTIONS,
                "set_config('default_transaction_isolation', 'read committed', false)",
                "'as it is'",
            ),
        ),
        ("tests/metering/test_minds_no_settings_of_its_role.py",),
    ),
    Bug(
        "the checksums of the journal are not looked at",
        (
            Edit(
                _JOURNAL,
                'if checksum != b"%08x" % zlib.crc32(body):',
                "if not checksum:",
            ),
        ),
        _KEEPS_JOURNAL,
    ),
    Bug(
        "a living process's journal is taken over",
        (
            Edit(
                _JOURNAL,
                "    except BlockingIOError:\n        os.close(descriptor)\n        return None\n",
                "    except BlockingIOError:\n        pass\n",
            ),
        ),
        _KEEPS_JOURNAL,
    ),
    Bug(
        "the reaper frees holds before it has read the journal",
        (
            Edit(
                _REAPER,
                "    failed = transactions.replay("
                "connection, closes, owner=left_behind.owner)\n"
                "    _void(connection, left_behind.owner)\n",
                "    _void(connection, left_behind.owner)\n    failed = closes\n",
            ),
        ),
        _OUTAGE,
    ),
    Bug(
        "the reaper takes the living for dead",
        (Edit(_REAPER, "return row == (True,)", "return row is not None"),),
        _FREES,
    ),
    Bug(
        "the reaper looks once instead of twice",
        (Edit(_REAPER, "if now - since >= FREE_FOR_S]", "if now >= since]"),),
        _FREES,
    ),
    Bug(
        "a restart of PostgreSQL makes everybody dead",
        (Edit(_REAPER, ">= RESTART_GRACE_S else []", ">= 0 else []"),),
        _FREES,
    ),
    Bug(
        "the dead keep their holds",
        (
            Edit(
                _REAPER,
                "        for owner in self._dead_elsewhere(connection):",
                "        for owner in []:",
            ),
        ),
        _FREES,
    ),
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
                "billing/wallets.py",
                'wallets.order_by("id").select_for_update(of=("self",))',
                'wallets.order_by("id")',
            ),
        ),
        _POSTS,
    ),
    Bug(
        "welcome credits for each account instead of each address",
        (
            Edit(
                "billing/grants.py",
                "    if not is_first:\n        return None\n",
                "",
            ),
        ),
        ("tests/billing/test_gives_welcome_credits.py",),
    ),
    Bug(
        "what is owed is not repaid",
        (Edit("billing/owing.py", "    if repaid:", "    if repaid < 0:"),),
        _GOES_BACK,
    ),
    Bug(
        "credits before the payment is paid",
        (
            Edit(
                "billing/payments.py",
                'if payment.payment_status != "paid":',
                'if payment.status != "complete":',
            ),
        ),
        ("tests/billing/top_ups/test_judging_payments.py",),
    ),
    Bug(
        "a payment that we never hear of is under way for ever",
        (Edit("billing/reconciliation.py", "None and payment.changed_at > since", "None"),),
        ("tests/billing/top_ups/test_comparing_with_stripe.py",),
    ),
    Bug(
        "what Stripe was paid for nothing of ours is under way",
        (
            Edit(
                "billing/reconciliation.py", "is_young and payment.session_id in known", "is_young"
            ),
        ),
        ("tests/billing/top_ups/test_comparing_with_stripe.py",),
    ),
    Bug(
        "roll-ups add to what is there instead of replacing it",
        (
            Edit("usage/roll_up.py", "            cursor.execute(_CLEAR, columns)\n", ""),
            Edit(
                "usage/roll_up.py",
                "GROUP BY 1, 2, 3, 4, 5\n",
                "GROUP BY 1, 2, 3, 4, 5\n"
                "ON CONFLICT (workspace_id, starts_at, key_id, model, source) DO UPDATE\n"
                "SET requests = usage_usagehour.requests + excluded.requests,\n"
                "    credits = usage_usagehour.credits + excluded.credits\n",
            ),
        ),
        ("tests/usage/test_rolls_up.py",),
    ),
    Bug(
        "the audit does not compare held with the holds",
        (Edit("billing/audit_rules.py", "wallet.held <> coalesce(open.amount, 0)", "false"),),
        _AUDITS,
    ),
    Bug(
        "the audit does not look at what is owed",
        (
            Edit(
                "billing/audit_rules.py",
                "AND wallet.owed <> coalesce(booked",
                "AND 0 > coalesce(booked",
            ),
        ),
        _AUDITS,
    ),
    Bug(
        "the audit takes anybody's word for a top-up",
        (Edit("billing/audit_rules.py", "AND {_OF_TOP_UP} AND top_up.id IS NULL", "AND false"),),
        _AUDITS,
    ),
    Bug(
        "what was taken and not there is forgotten",
        (Edit("billing/owing.py", "    if amount > there:", "    if amount < there:"),),
        _GOES_BACK,
    ),
    Bug(
        "the audit forgets transactions that were open during the last one",
        (
            Edit(
                "billing/audit.py",
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
)
