"""A roll-up of sessions: what one cost is read without its records, however many it has.

Every hour with calls of a session is marked, and the roll-up sums it up. The roll-up of the version
before would take the marks and leave out the sessions, so it fails until its process is replaced.
"""

from django.db import migrations

TABLE = """
CREATE TABLE usage_session_quarter (
    workspace_id bigint NOT NULL,
    bucket timestamptz NOT NULL CHECK (bucket = date_bin('15 minutes', bucket, 'epoch')),
    session_id text NOT NULL,
    requests bigint NOT NULL,
    refusals bigint NOT NULL,
    errors bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_creation_input_tokens bigint NOT NULL,
    cache_creation_1h_input_tokens bigint NOT NULL,
    cache_read_input_tokens bigint NOT NULL,
    credits bigint NOT NULL,
    lost_credits bigint NOT NULL,
    PRIMARY KEY (workspace_id, bucket, session_id)
)
"""
BY_SESSION = """
CREATE INDEX usage_session_quarter_session
    ON usage_session_quarter (workspace_id, session_id, bucket)
"""
MARK = """
INSERT INTO usage_dirtyhour (workspace_id, starts_at)
SELECT DISTINCT workspace_id, date_trunc('hour', accepted_at, 'UTC') FROM usage_requestrecord
WHERE session_id IS NOT NULL
"""
# usage/roll_up.py sets it in each of its transactions.
GUARD = """
CREATE FUNCTION usage_sums_have_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('usage.sums_sessions', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'this version of the roll-up leaves out the sums of sessions';
    END IF;
    RETURN NULL;
END $$
"""
REFUSE = """
CREATE TRIGGER usage_sums_have_sessions BEFORE INSERT ON usage_quarter
    FOR EACH STATEMENT EXECUTE FUNCTION usage_sums_have_sessions()
"""
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"


class Migration(migrations.Migration):
    dependencies = [("usage", "0011_spend_alerts")]
    operations = [
        migrations.RunSQL(TABLE, "DROP TABLE usage_session_quarter"),
        migrations.RunSQL(BY_SESSION, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, "DROP FUNCTION usage_sums_have_sessions()"),
        migrations.RunSQL(
            [LOCK_TIMEOUT, REFUSE],
            [LOCK_TIMEOUT, "DROP TRIGGER usage_sums_have_sessions ON usage_quarter"],
        ),
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
    ]
