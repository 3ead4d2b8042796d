"""gateway_apply: what a gateway does to the ledger, decided and written by PostgreSQL itself.

docs/adr/0012-one-statement-moves-credits.md says why it is a function. It stands here because it
touches keys, billing and usage, and nothing with tables stands above usage. A later version comes
as CREATE OR REPLACE in a migration of its own: gateways that run meanwhile take it over at their
next call, so what it is given and what it returns stays, or it gets another name.
"""

from django.db import migrations

# A request record as the gateway gives it; what was charged and lost is found here.
RECORD = {
    "id": "uuid",
    "workspace_id": "bigint",
    "accepted_at": "timestamptz",
    "key_id": "bigint",
    "source": "text",
    "requested_model": "text",
    "resolved_model": "text",
    "upstream_id": "bigint",
    "price_id": "bigint",
    "route": "text",
    "is_stream": "boolean",
    "status": "smallint",
    "error_type": "text",
    "ending": "text",
    "stop_reason": "text",
    "input_tokens": "bigint",
    "output_tokens": "bigint",
    "cache_creation_input_tokens": "bigint",
    "cache_read_input_tokens": "bigint",
    "is_usage_estimated": "boolean",
    "first_byte_ms": "integer",
    "duration_ms": "integer",
}

# `operations` are what gateway/metering/apply_call.py sends: of kind reserve, close or release, each
# for another request. `records` is as long: at a close's place its request record, elsewhere `{}`.
#
# 1. The wallets are locked, in id order.
# 2. Keys, holds and wallets are read. A statement of its own: under READ COMMITTED one that waited
#    for a row lock sees other tables as they were before the wait, and would miss the revocation
#    that it waited for. Columns are cast: a migration may change their types while gateways run, and
#    PL/pgSQL would refuse to go on with another type than it began with.
# 3. Each operation is decided, wallet by wallet and in the order of arrival. Nothing is written
#    meanwhile but wallets: a statement per operation takes PostgreSQL twice the time of a statement
#    per table.
# 4. What was decided is written.
#
# Arrays by the operations' place keep what was decided. `in_wallet` has the wallet where a hold is
# to be written; `numbers` the seq of an entry, none for a void; `is_ended` whether the record is to
# be written, `amounts` and `losses` are the result.
APPLY = """
CREATE FUNCTION gateway_apply(
    of_owner bigint, workspace_ids bigint[], operations json, records json
) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    op record;
    locked_ids bigint[];
    current_id bigint;
    posted_now bigint;
    held_now bigint;
    seq_now bigint;
    charge bigint;
    has_moved boolean := false;
    has_opened boolean := false;
    has_closed boolean := false;
    has_charged boolean := false;
    has_ended boolean := false;
    size integer[] := ARRAY[json_array_length(operations)];
    verdicts text[] := array_fill(NULL::text, size);
    amounts bigint[] := array_fill(0::bigint, size);
    losses bigint[] := array_fill(0::bigint, size);
    in_wallet bigint[] := array_fill(NULL::bigint, size);
    numbers bigint[] := array_fill(NULL::bigint, size);
    balances bigint[] := array_fill(NULL::bigint, size);
    is_ended boolean[] := array_fill(false, size);
BEGIN
    SELECT array_agg(id) INTO locked_ids FROM (
        SELECT id FROM billing_wallet
        WHERE pool = 'api' AND workspace_id = ANY (workspace_ids) ORDER BY id FOR UPDATE
    ) AS wallet;

    FOR op IN
        SELECT asked.*, wallet.id::bigint AS wallet_id, wallet.posted::bigint,
            wallet.held::bigint, wallet.seq::bigint, wallet.frozen_at IS NOT NULL AS is_frozen,
            hold.state::text, hold.amount::bigint AS hold_amount, hold.actual::bigint AS hold_actual,
            key.id IS NOT NULL AS is_key_usable
        FROM ROWS FROM (json_to_recordset(operations) AS (
            kind text, id uuid, workspace_id bigint, accepted_at timestamptz, key_id bigint,
            amount bigint, actual bigint, lost bigint
        )) WITH ORDINALITY AS asked
            (kind, id, workspace_id, accepted_at, key_id, amount, actual, lost, place)
        LEFT JOIN billing_wallet AS wallet
            ON wallet.workspace_id = asked.workspace_id AND wallet.pool = 'api'
            AND wallet.id = ANY (locked_ids)  -- not one that was opened since
        LEFT JOIN billing_hold AS hold ON hold.wallet_id = wallet.id AND hold.id = asked.id
        LEFT JOIN keys_apikey AS key ON key.id = asked.key_id AND key.revoked_at IS NULL
            AND (key.expires_at IS NULL OR key.expires_at > clock_timestamp())
        ORDER BY wallet.id, asked.place
    LOOP
        IF op.wallet_id IS DISTINCT FROM current_id THEN
            IF has_moved THEN
                UPDATE billing_wallet SET posted = posted_now, held = held_now, seq = seq_now
                WHERE id = current_id;
            END IF;
            has_moved := false;
            current_id := op.wallet_id;
            posted_now := op.posted;
            held_now := op.held;
            seq_now := op.seq;
        END IF;

        IF op.kind = 'reserve' THEN
            amounts[op.place] := coalesce(posted_now - held_now, 0);
            IF current_id IS NULL THEN
                verdicts[op.place] := 'no_wallet';
            ELSIF op.key_id IS NOT NULL AND NOT op.is_key_usable THEN
                verdicts[op.place] := 'key_unusable';
            ELSIF op.is_frozen THEN
                verdicts[op.place] := 'frozen';
            ELSIF op.amount > posted_now - held_now THEN
                verdicts[op.place] := 'out_of_credits';
            ELSE
                verdicts[op.place] := 'admitted';
                held_now := held_now + op.amount;
                in_wallet[op.place] := current_id;
                has_moved := true;
                has_opened := true;
            END IF;
            CONTINUE;
        END IF;

        -- A release stays at nothing charged and nothing lost. Of a close, all that it cost is lost
        -- where there is no hold, or no room for what a void one would take.
        charge := NULL;
        IF op.kind = 'close' THEN
            IF op.state = 'settled' THEN
                charge := op.hold_actual;
            ELSIF op.state = 'open' THEN
                is_ended[op.place] := true;
                IF op.actual IS NOT NULL THEN  -- which least() would pass over
                    charge := least(op.actual, op.hold_amount);
                END IF;
            ELSIF op.state = 'void' THEN
                -- With a record its end is written already. Without one the reaper voided it while
                -- its owner still lived: nothing is set aside for it any more, and it is charged
                -- if it still fits.
                PERFORM FROM usage_requestrecord AS record
                WHERE record.workspace_id = op.workspace_id
                    AND record.accepted_at = op.accepted_at AND record.id = op.id;
                IF NOT FOUND THEN
                    is_ended[op.place] := true;
                    IF op.actual IS NOT NULL
                        AND least(op.actual, op.hold_amount) <= posted_now - held_now
                    THEN
                        charge := least(op.actual, op.hold_amount);
                    END IF;
                END IF;
            END IF;
            amounts[op.place] := coalesce(charge, 0);
            losses[op.place] := op.lost + coalesce(op.actual, 0) - coalesce(charge, 0);
            has_ended := has_ended OR is_ended[op.place];
        END IF;
        IF op.state = 'open' THEN
            held_now := held_now - op.hold_amount;
            in_wallet[op.place] := current_id;
            has_moved := true;
            has_closed := true;
        END IF;
        IF is_ended[op.place] AND charge IS NOT NULL THEN
            posted_now := posted_now - charge;
            seq_now := seq_now + 1;
            in_wallet[op.place] := current_id;
            numbers[op.place] := seq_now;
            balances[op.place] := posted_now;
            has_moved := true;
            has_closed := true;
            has_charged := true;
        END IF;
    END LOOP;
    IF has_moved THEN
        UPDATE billing_wallet SET posted = posted_now, held = held_now, seq = seq_now
        WHERE id = current_id;
    END IF;

    IF has_opened THEN
        INSERT INTO billing_hold (wallet_id, id, key_id, source, amount, accepted_at, owner)
        SELECT wallet_id, id, key_id, source, amount, accepted_at, of_owner
        FROM ROWS FROM (json_to_recordset(operations) AS (
            kind text, id uuid, key_id bigint, source text, amount bigint, accepted_at timestamptz
        ), unnest(in_wallet)) AS opened (kind, id, key_id, source, amount, accepted_at, wallet_id)
        WHERE kind = 'reserve' AND wallet_id IS NOT NULL;
    END IF;
    IF has_closed THEN
        UPDATE billing_hold AS hold SET closed_at = now(),
            state = CASE WHEN closed.number IS NULL THEN 'void' ELSE 'settled' END,
            actual = CASE WHEN closed.number IS NOT NULL THEN closed.charged END
        FROM ROWS FROM (
            json_to_recordset(operations) AS (kind text, id uuid), unnest(in_wallet, numbers, amounts)
        ) AS closed (kind, id, wallet_id, number, charged)
        WHERE closed.kind <> 'reserve'
            AND hold.wallet_id = closed.wallet_id AND hold.id = closed.id;
    END IF;
    IF has_charged THEN
        INSERT INTO billing_ledgerentry (wallet_id, seq, kind, amount, balance_after, reference)
        SELECT wallet_id, number, 'usage', -charged, balance, id
        FROM ROWS FROM (
            json_to_recordset(operations) AS (id uuid), unnest(in_wallet, numbers, amounts, balances)
        ) AS entry (id, wallet_id, number, charged, balance)
        WHERE number IS NOT NULL;
    END IF;
    IF has_ended THEN
        WITH ended AS (
            SELECT * FROM ROWS FROM (
                json_to_recordset(records) AS ({fields}), unnest(amounts, losses, is_ended)
            ) AS record ({names}, credits, lost_credits, is_new) WHERE is_new
        ), recorded AS (
            INSERT INTO usage_requestrecord ({names}, credits, lost_credits)
            SELECT {names}, credits, lost_credits FROM ended
        )
        INSERT INTO usage_dirtyhour (workspace_id, starts_at)
        SELECT DISTINCT workspace_id, date_trunc('hour', accepted_at, 'UTC') FROM ended;
    END IF;
    RETURN json_build_array(verdicts, amounts, losses);
END $$;
""".format(  # noqa: S608 (names from above)
    fields=", ".join(f"{name} {kind}" for name, kind in RECORD.items()), names=", ".join(RECORD)
)


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0006_nothing_twice"),
        ("keys", "0002_form_id"),
        ("usage", "0003_record_moments"),
    ]
    operations = [
        migrations.RunSQL(APPLY, "DROP FUNCTION gateway_apply(bigint, bigint[], json, json)")
    ]
