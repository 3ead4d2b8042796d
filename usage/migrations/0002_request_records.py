"""The partitioned table of request records; Django's schema editor knows no PARTITION BY."""

from django.db import migrations

TABLE = """
CREATE TABLE usage_requestrecord (
    id uuid NOT NULL,
    workspace_id bigint NOT NULL,
    accepted_at timestamptz NOT NULL,
    key_id bigint,
    source varchar(16) NOT NULL CHECK (source IN ('api', 'console')),
    requested_model varchar(200) NOT NULL,
    resolved_model varchar(200) NOT NULL,
    upstream_id bigint,
    price_id bigint NOT NULL,
    route varchar(500) NOT NULL,
    is_stream boolean NOT NULL,
    status smallint NOT NULL,
    error_type varchar(40) NOT NULL,
    ending varchar(24) NOT NULL,
    stop_reason varchar(40) NOT NULL,
    input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
    output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
    cache_creation_input_tokens bigint NOT NULL CHECK (cache_creation_input_tokens >= 0),
    cache_read_input_tokens bigint NOT NULL CHECK (cache_read_input_tokens >= 0),
    is_usage_estimated boolean NOT NULL,
    credits bigint NOT NULL CHECK (credits >= 0),
    lost_credits bigint NOT NULL CHECK (lost_credits >= 0),
    first_byte_ms integer,
    duration_ms integer NOT NULL,
    PRIMARY KEY (workspace_id, accepted_at, id)
) PARTITION BY RANGE (accepted_at);
"""

# Rows that no month's partition takes are kept, not refused: a settlement must never fail for them.
PARTITIONS = """
CREATE TABLE usage_requestrecord_rest PARTITION OF usage_requestrecord DEFAULT;

CREATE FUNCTION usage_ensure_partitions(months_ahead integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    month timestamp;
    made integer := 0;
    partition_name text;
BEGIN
    FOR ahead IN 0..months_ahead LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead);
        partition_name := 'usage_requestrecord_' || to_char(month, 'YYYY_MM');
        IF to_regclass(partition_name) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF usage_requestrecord FOR VALUES FROM (%L) TO (%L)',
                partition_name, month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC'
            );
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;

SELECT usage_ensure_partitions(2);
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]
    operations = [
        migrations.RunSQL(TABLE, "DROP TABLE usage_requestrecord"),
        migrations.RunSQL(PARTITIONS, "DROP FUNCTION usage_ensure_partitions(integer)"),
    ]
