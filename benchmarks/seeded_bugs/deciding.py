"""Bugs in what is decided about an operation, and under which locks."""

from benchmarks.seeded_bugs.bug import Bug, Edit

_APPLY = "gateway/metering/sql/gateway_apply_2.sql"
_STATEMENT = "gateway/metering/apply_call.py"

_DECIDES = ("tests/gateway/metering/test_gateway_apply.py",)
_REFUSES = ("tests/gateway/metering/test_refused_operations.py",)
_WRITES = ("tests/gateway/metering/test_ledger_writer.py",)

DECIDING = (
    Bug(
        "the balance is not checked",
        (Edit(_APPLY, "ELSIF op.amount > posted_now - held_now", "ELSIF op.amount > posted_now"),),
        _DECIDES,
    ),
    Bug(
        "a hold sets nothing aside",
        (Edit(_APPLY, "held_now := held_now + op.amount;", "held_now := held_now + 0;"),),
        _DECIDES,
    ),
    Bug(
        "a repeated settlement is charged again",
        (
            Edit(
                _APPLY,
                "ELSIF op.state = 'open' THEN\n                is_record_due",
                "END IF;\n            IF op.state <> 'void' THEN\n                is_record_due",
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
        "a void is charged, since least() ignores NULL",
        (Edit(_APPLY, "IF op.actual IS NOT NULL THEN  --", "IF true THEN  --"),),
        _DECIDES,
    ),
    Bug(
        "a settlement frees a void hold again",
        (
            Edit(
                _APPLY,
                "IF op.kind <> 'hold' AND op.state = 'open' THEN",
                "IF op.kind <> 'hold' AND op.state <> 'settled' THEN",
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
        "a void frees a settled hold",
        (
            Edit(
                _APPLY,
                "IF op.kind <> 'hold' AND op.state = 'open' THEN",
                "IF op.kind <> 'hold' AND op.state = 'open'"
                " OR op.kind = 'void' AND op.state = 'settled' THEN",
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
        "a recorded loss is charged when its settlement comes again",
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
        "a key never expires",
        (Edit(_APPLY, "key.expires_at > clock_timestamp()", "true"),),
        _DECIDES,
    ),
    Bug(
        "a batch has two operations for one request, which do not see each other",
        (Edit(_STATEMENT, "seen.add(number)", "seen.add(object())"),),
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
        ("tests/keys", "tests/gateway/metering/test_ledger_writer.py"),
    ),
    Bug(
        "a repeated settlement returns the wallet's balance instead of its entry's",
        (
            Edit(
                _APPLY,
                "                balances[op.place] := (\n",
                "                balances[op.place] := posted_now; PERFORM (\n",
            ),
        ),
        _DECIDES,
    ),
    Bug(
        "a hold's limits are ignored",
        (Edit(_APPLY, "IF json_array_length(op.limits) > 0 THEN", "IF false THEN"),),
        _REFUSES,
    ),
    Bug(
        "a frozen wallet makes holds",
        (Edit(_APPLY, "ELSIF op.is_frozen THEN", "ELSIF false THEN"),),
        _DECIDES,
    ),
    Bug(
        "a document is held for as if it were an image",
        (
            Edit(
                "gateway/upstreams/router.py",
                "    if request.document_count:\n",
                "    if False:\n",
            ),
            Edit("gateway/pipeline/admission.py", "if call.request.document_count:", "if False:"),
        ),
        ("tests/gateway/pipeline/test_documents_are_counted.py",),
    ),
)
