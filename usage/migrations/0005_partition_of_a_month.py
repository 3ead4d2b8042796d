"""Create the partition of one month and move its records there from the default partition."""

from django.db import migrations

# Readers and writers of records wait only while the default partition is locked. The lock is waited
# for a second at most, since others queue behind this. The caller bounds the time for the moving with
# `statement_timeout`.
FUNCTION = """
DROP FUNCTION usage_ensure_partitions(integer);

CREATE FUNCTION usage_ensure_partition(moment timestamptz) RETURNS boolean
LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
    month timestamp := date_trunc('month', moment AT TIME ZONE 'UTC');
    since timestamptz := month AT TIME ZONE 'UTC';
    until timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
    partition_name text := 'usage_requestrecord_' || to_char(month, 'YYYY_MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('usage-partitions'));
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE usage_requestrecord INCLUDING ALL)', partition_name);
    LOCK TABLE usage_requestrecord_rest IN ACCESS EXCLUSIVE MODE;
    EXECUTE format(
        'WITH moved AS (DELETE FROM usage_requestrecord_rest'
        ' WHERE accepted_at >= $1 AND accepted_at < $2 RETURNING *)'
        ' INSERT INTO %I SELECT * FROM moved',
        partition_name
    ) USING since, until;
    EXECUTE format(
        'ALTER TABLE usage_requestrecord ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        partition_name, since, until
    );
    RETURN true;
END $$;
"""

# That of 0002_request_records.
BEFORE = """
DROP FUNCTION usage_ensure_partition(timestamptz);

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
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0004_gateway_apply")]
    operations = [migrations.RunSQL(FUNCTION, BEFORE)]
