"""Indexes for the records of an error, a session and a tag, built while records are written.

PostgreSQL builds no index of a partitioned table concurrently: each partition's is built first, and
the parent's then takes them over in a moment.
"""

from django.db import migrations, transaction

# Tags are the same words in many workspaces, so an index of them alone would list all workspaces'.
SCOPED_TAGS = """
CREATE FUNCTION usage_scoped_tags(workspace_id bigint, tags text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT array_agg(workspace_id || ':' || tag) FROM unnest(tags) AS tag)
"""
INDEXES = {
    "usage_requestrecord_by_error": (
        "(workspace_id, error_code, accepted_at) WHERE error_type <> ''"
    ),
    "usage_requestrecord_by_session": (
        "(workspace_id, session_id, accepted_at) WHERE session_id IS NOT NULL"
    ),
    "usage_requestrecord_by_tag": (
        "USING gin (usage_scoped_tags(workspace_id, tags)) WHERE tags IS NOT NULL"
    ),
}
PARTITIONS = (
    "SELECT relid::regclass::text FROM pg_partition_tree('usage_requestrecord') WHERE isleaf"
)


def build(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        for (partition,) in cursor.fetchall():
            for name, definition in INDEXES.items():
                own = partition + name.removeprefix("usage_requestrecord")
                # One that was interrupted is left invalid.
                cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {own}")
                cursor.execute(f"CREATE INDEX CONCURRENTLY {own} ON {partition} {definition}")
    # The parent takes over those that match; of a partition made since, it builds a new one.
    with transaction.atomic(), schema_editor.connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        for name, definition in INDEXES.items():
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON usage_requestrecord {definition}")


def drop(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for name in INDEXES:
            cursor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("usage", "0008_refused_calls")]
    operations = [
        migrations.RunSQL(SCOPED_TAGS, "DROP FUNCTION usage_scoped_tags(bigint, text[])"),
        migrations.RunPython(build, drop),
    ]
