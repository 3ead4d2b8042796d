"""Sums of sessions by day: months of one are read without its quarter hours.

The days are summed up from the quarter hours here, under the roll-up's lock, so that both agree
from the first moment on. The roll-up of the version before would leave the days out, so it fails
until its process is replaced.
"""

from django.db import migrations

MEASURES = (
    *("requests", "refusals", "errors", "input_tokens", "output_tokens"),
    *("cache_creation_input_tokens", "cache_creation_1h_input_tokens", "cache_read_input_tokens"),
    *("credits", "lost_credits"),
)
TABLE = f"""
CREATE TABLE usage_session_day (
    workspace_id bigint NOT NULL,
    bucket timestamptz NOT NULL CHECK (bucket = date_bin('1 day', bucket, 'epoch')),
    session_id text NOT NULL,
    {", ".join(f"{name} bigint NOT NULL" for name in MEASURES)},
    PRIMARY KEY (workspace_id, bucket, session_id)
)
"""
BY_SESSION = """
CREATE INDEX usage_session_day_session ON usage_session_day (workspace_id, session_id, bucket)
"""
LOCK = "SELECT pg_advisory_xact_lock(hashtext('usage-roll-up'))"
# usage/roll_up.py sets it in each of its transactions.
GUARD = """
CREATE OR REPLACE FUNCTION usage_sums_have_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('usage.sums_sessions', true) IS DISTINCT FROM '{value}' THEN
        RAISE EXCEPTION 'this version of the roll-up leaves out the sums of sessions';
    END IF;
    RETURN NULL;
END $$
"""
FILL = f"""
INSERT INTO usage_session_day (workspace_id, bucket, session_id, {", ".join(MEASURES)})
SELECT workspace_id, date_trunc('day', bucket, 'UTC'), session_id,
    {", ".join(f"sum({name})::bigint" for name in MEASURES)}
FROM usage_session_quarter GROUP BY 1, 2, 3
"""  # noqa: S608 (constants)


class Migration(migrations.Migration):
    dependencies = [("usage", "0013_no_index_of_tags")]
    operations = [
        migrations.RunSQL(LOCK, LOCK),
        migrations.RunSQL(GUARD.format(value="days"), GUARD.format(value="on")),
        migrations.RunSQL(TABLE, "DROP TABLE usage_session_day"),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(BY_SESSION, migrations.RunSQL.noop),
    ]
