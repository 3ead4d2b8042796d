-- gateway_apply_2: decide a batch of operations on the ledger and write what follows from them.
--
-- docs/adr/0012-one-statement-moves-credits.md says why this is a function.
--
-- Versions. A released file never changes, because gateways of two versions run side by side during
-- a deploy. A change is a new file gateway_apply_N.sql with a new function name, loaded by a new
-- migration in gateway/migrations/. gateway/metering/apply_call.py names the version in use. A
-- migration one release later drops the version before.
--
-- Parameters. `operations` is an array with at most one operation for each request:
--
--     {"kind": "hold", "id": "0198…", "workspace_id": 1, "key_id": 2, "source": "api", "amount": 900,
--      "accepted_at": "…", "secret_id": null, "member_id": null, "limits": [], "parent_id": null}
--     {"kind": "settle", "id": "0198…", "workspace_id": 1, "accepted_at": "…", "actual": 120, "lost": 0}
--     {"kind": "void", "id": "0198…", "workspace_id": 1}
--
-- `records` is as long: at a settle's place its request record, elsewhere `{}`. `workspace_ids` are
-- the workspaces of the operations; `owner_id` is the process that makes the holds.
--
-- `secret_id` and `member_id` of a hold are accepted and not stored. A hold with `limits` or a
-- `parent_id` raises an exception: a limit that is not enforced would overspend. Limits will be rows
-- that are read and written under the wallet's lock, with no lock of their own.
--
-- Result. One array for each field, by the operation's place: decision (null for a settle or void),
-- charged, lost, the wallet's posted and held after the operation, the balance after the call's own
-- ledger entry (null where it has none), and the limit that refused a hold (always null so far):
-- {"kind": …, "id": …, "limit": …, "spent": …, "held": …, "resets_at": …}.
--
-- Steps.
-- 1. Lock the wallets in the order of their ids.
-- 2. Read keys, holds and wallets, in a statement of its own: under READ COMMITTED a statement that
--    waited for a row lock sees other tables as they were before the wait, and would miss the
--    revocation that it waited for. Columns are cast, because a migration may change their types while
--    gateways run, and PL/pgSQL refuses a row whose types are not those of the first one.
-- 3. Decide each operation, wallet by wallet and in the order of arrival. Only wallets are written
--    meanwhile: a statement for each operation takes PostgreSQL twice the time of a statement for
--    each table.
-- 4. Write what was decided, a statement for each table.
CREATE FUNCTION gateway_apply_2(
    owner_id bigint, workspace_ids bigint[], operations json, records json
) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    op record;
    locked_ids bigint[];
    current_id bigint;
    posted_now bigint;
    held_now bigint;
    seq_now bigint;
    charge bigint;
    is_wallet_changed boolean := false;
    has_new_holds boolean := false;
    has_ended_holds boolean := false;
    has_entries boolean := false;
    has_records boolean := false;
    -- By the operation's place.
    size integer[] := ARRAY[json_array_length(operations)];
    decisions text[] := array_fill(NULL::text, size);
    charges bigint[] := array_fill(0::bigint, size);
    losses bigint[] := array_fill(0::bigint, size);
    posted_after bigint[] := array_fill(0::bigint, size);
    held_after bigint[] := array_fill(0::bigint, size);
    balances bigint[] := array_fill(NULL::bigint, size);
    limits_reached json[] := array_fill(NULL::json, size);
    hold_wallets bigint[] := array_fill(NULL::bigint, size);  -- where a hold is to be written
    entry_seqs bigint[] := array_fill(NULL::bigint, size);  -- where an entry is to be written
    is_record_due boolean[] := array_fill(false, size);
BEGIN
    SELECT array_agg(id) INTO locked_ids FROM (
        SELECT id FROM billing_wallet
        WHERE pool = 'api' AND workspace_id = ANY (workspace_ids) ORDER BY id FOR UPDATE
    ) AS wallet;

    FOR op IN
        SELECT given.*, wallet.id::bigint AS wallet_id, wallet.posted::bigint,
            wallet.held::bigint, wallet.seq::bigint, wallet.frozen_at IS NOT NULL AS is_frozen,
            hold.state::text, hold.amount::bigint AS hold_amount, hold.actual::bigint AS hold_actual,
            key.id IS NOT NULL AS is_key_usable
        FROM ROWS FROM (json_to_recordset(operations) AS (
            kind text, id uuid, workspace_id bigint, accepted_at timestamptz, key_id bigint,
            amount bigint, limits json, parent_id uuid, actual bigint, lost bigint
        )) WITH ORDINALITY AS given (
            kind, id, workspace_id, accepted_at, key_id, amount, limits, parent_id, actual, lost, place
        )
        LEFT JOIN billing_wallet AS wallet
            ON wallet.workspace_id = given.workspace_id AND wallet.pool = 'api'
            AND wallet.id = ANY (locked_ids)  -- not one that was opened since
        LEFT JOIN billing_hold AS hold ON hold.wallet_id = wallet.id AND hold.id = given.id
        LEFT JOIN keys_apikey AS key ON key.id = given.key_id AND key.revoked_at IS NULL
            AND (key.expires_at IS NULL OR key.expires_at > clock_timestamp())
        ORDER BY wallet.id, given.place
    LOOP
        IF op.wallet_id IS DISTINCT FROM current_id THEN
            IF is_wallet_changed THEN
                UPDATE billing_wallet SET posted = posted_now, held = held_now, seq = seq_now
                WHERE id = current_id;
            END IF;
            is_wallet_changed := false;
            current_id := op.wallet_id;
            posted_now := op.posted;
            held_now := op.held;
            seq_now := op.seq;
        END IF;

        charge := NULL;
        CASE op.kind
        WHEN 'hold' THEN
            IF json_array_length(op.limits) > 0 THEN
                RAISE EXCEPTION 'gateway_apply_2 enforces no limits: %', op.limits;
            ELSIF op.parent_id IS NOT NULL THEN
                RAISE EXCEPTION 'gateway_apply_2 knows no parent holds: %', op.parent_id;
            END IF;
            IF current_id IS NULL THEN
                decisions[op.place] := 'no_wallet';
            ELSIF op.key_id IS NOT NULL AND NOT op.is_key_usable THEN
                decisions[op.place] := 'key_unusable';
            ELSIF op.is_frozen THEN
                decisions[op.place] := 'frozen';
            ELSIF op.amount > posted_now - held_now THEN
                decisions[op.place] := 'out_of_credits';
            ELSE
                decisions[op.place] := 'admitted';
                held_now := held_now + op.amount;
                hold_wallets[op.place] := current_id;
                is_wallet_changed := true;
                has_new_holds := true;
            END IF;
        WHEN 'settle' THEN
            IF op.state = 'settled' THEN  -- before: the result is the first one's
                charge := op.hold_actual;
                balances[op.place] := (
                    SELECT balance_after FROM billing_ledgerentry
                    WHERE wallet_id = current_id AND kind = 'usage' AND reference = op.id::text
                );
            ELSIF op.state = 'open' THEN
                is_record_due[op.place] := true;
                IF op.actual IS NOT NULL THEN  -- least() ignores NULL
                    charge := least(op.actual, op.hold_amount);
                END IF;
            ELSIF op.state = 'void' THEN
                -- With a record, this settle was written before. Without one, the reaper voided the
                -- hold while its owner still lived: its credits are free again, and it is charged if
                -- they still suffice.
                PERFORM FROM usage_requestrecord AS record
                WHERE record.workspace_id = op.workspace_id
                    AND record.accepted_at = op.accepted_at AND record.id = op.id;
                IF NOT FOUND THEN
                    is_record_due[op.place] := true;
                    IF op.actual IS NOT NULL
                        AND least(op.actual, op.hold_amount) <= posted_now - held_now
                    THEN
                        charge := least(op.actual, op.hold_amount);
                    END IF;
                END IF;
            END IF;
            -- Everything is lost where there is no hold, or where the credits of a void one are gone.
            charges[op.place] := coalesce(charge, 0);
            losses[op.place] := op.lost + coalesce(op.actual, 0) - coalesce(charge, 0);
            has_records := has_records OR is_record_due[op.place];
        WHEN 'void' THEN
            NULL;  -- charges nothing, loses nothing
        ELSE
            RAISE EXCEPTION 'unknown kind of operation: %', op.kind;
        END CASE;

        IF op.kind <> 'hold' AND op.state = 'open' THEN
            held_now := held_now - op.hold_amount;
            hold_wallets[op.place] := current_id;
            is_wallet_changed := true;
            has_ended_holds := true;
        END IF;
        IF is_record_due[op.place] AND charge IS NOT NULL THEN
            posted_now := posted_now - charge;
            seq_now := seq_now + 1;
            hold_wallets[op.place] := current_id;
            entry_seqs[op.place] := seq_now;
            balances[op.place] := posted_now;
            is_wallet_changed := true;
            has_ended_holds := true;
            has_entries := true;
        END IF;
        posted_after[op.place] := coalesce(posted_now, 0);
        held_after[op.place] := coalesce(held_now, 0);
    END LOOP;
    IF is_wallet_changed THEN
        UPDATE billing_wallet SET posted = posted_now, held = held_now, seq = seq_now
        WHERE id = current_id;
    END IF;

    IF has_new_holds THEN
        INSERT INTO billing_hold (wallet_id, id, key_id, source, amount, accepted_at, owner)
        SELECT wallet_id, id, key_id, source, amount, accepted_at, owner_id
        FROM ROWS FROM (json_to_recordset(operations) AS (
            kind text, id uuid, key_id bigint, source text, amount bigint, accepted_at timestamptz
        ), unnest(hold_wallets)) AS given (kind, id, key_id, source, amount, accepted_at, wallet_id)
        WHERE kind = 'hold' AND wallet_id IS NOT NULL;
    END IF;
    IF has_ended_holds THEN
        UPDATE billing_hold AS hold SET closed_at = now(),
            state = CASE WHEN ended.seq IS NULL THEN 'void' ELSE 'settled' END,
            actual = CASE WHEN ended.seq IS NOT NULL THEN ended.charged END
        FROM ROWS FROM (
            json_to_recordset(operations) AS (kind text, id uuid),
            unnest(hold_wallets, entry_seqs, charges)
        ) AS ended (kind, id, wallet_id, seq, charged)
        WHERE ended.kind <> 'hold'
            AND hold.wallet_id = ended.wallet_id AND hold.id = ended.id;
    END IF;
    IF has_entries THEN
        INSERT INTO billing_ledgerentry (wallet_id, seq, kind, amount, balance_after, reference)
        SELECT wallet_id, seq, 'usage', -charged, balance_after, id
        FROM ROWS FROM (
            json_to_recordset(operations) AS (id uuid),
            unnest(hold_wallets, entry_seqs, charges, balances)
        ) AS entry (id, wallet_id, seq, charged, balance_after)
        WHERE seq IS NOT NULL;
    END IF;
    IF has_records THEN
        INSERT INTO usage_requestrecord (
            id, workspace_id, accepted_at, key_id, source, requested_model, resolved_model,
            upstream_id, price_id, route, is_stream, status, error_type, ending, stop_reason,
            input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens,
            is_usage_estimated, first_byte_ms, duration_ms, lines, cache_creation_1h_input_tokens,
            hold_amount, attempts, tags, session_id, user_label, member_id, queue_ms, hold_ms,
            error_code, refusals, credits, lost_credits, balance_after
        )
        SELECT
            id, workspace_id, accepted_at, key_id, source, requested_model, resolved_model,
            upstream_id, price_id, route, is_stream, status, error_type, ending, stop_reason,
            input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens,
            is_usage_estimated, first_byte_ms, duration_ms, lines, cache_creation_1h_input_tokens,
            hold_amount, attempts, tags, session_id, user_label, member_id, queue_ms, hold_ms,
            error_code, refusals, credits, lost_credits, balance_after
        FROM ROWS FROM (json_to_recordset(records) AS (
            id uuid, workspace_id bigint, accepted_at timestamptz, key_id bigint, source text,
            requested_model text, resolved_model text, upstream_id bigint, price_id bigint,
            route text, is_stream boolean, status smallint, error_type text, ending text,
            stop_reason text, input_tokens bigint, output_tokens bigint,
            cache_creation_input_tokens bigint, cache_read_input_tokens bigint,
            is_usage_estimated boolean, first_byte_ms integer, duration_ms integer, lines jsonb,
            cache_creation_1h_input_tokens bigint, hold_amount bigint, attempts jsonb, tags text[],
            session_id text, user_label text, member_id bigint, queue_ms integer, hold_ms integer,
            error_code text, refusals integer
        ), unnest(charges, losses, balances, is_record_due)) AS record (
            id, workspace_id, accepted_at, key_id, source, requested_model, resolved_model,
            upstream_id, price_id, route, is_stream, status, error_type, ending, stop_reason,
            input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens,
            is_usage_estimated, first_byte_ms, duration_ms, lines, cache_creation_1h_input_tokens,
            hold_amount, attempts, tags, session_id, user_label, member_id, queue_ms, hold_ms,
            error_code, refusals, credits, lost_credits, balance_after, is_record_due
        )
        WHERE record.is_record_due;
        INSERT INTO usage_dirtyhour (workspace_id, starts_at)
        SELECT DISTINCT workspace_id, date_trunc('hour', accepted_at, 'UTC')
        FROM ROWS FROM (
            json_to_recordset(operations) AS (workspace_id bigint, accepted_at timestamptz),
            unnest(is_record_due)
        ) AS record (workspace_id, accepted_at, is_record_due)
        WHERE record.is_record_due;
    END IF;
    RETURN json_build_array(
        decisions, charges, losses, posted_after, held_after, balances, limits_reached
    );
END $$;
