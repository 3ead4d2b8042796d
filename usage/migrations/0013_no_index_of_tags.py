"""Drop the index of tags, which no query uses: every settlement of a tagged call wrote to it.

The log finds a tag by its sums of days, and reads the calls of those days in the order of time. An
index of tags has no order of time, so a page of a common tag would sort all calls that have it.
"""

from django.db import migrations

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
DROP_INDEX = "DROP INDEX usage_requestrecord_by_tag"
INDEX = """
CREATE INDEX usage_requestrecord_by_tag ON usage_requestrecord
    USING gin (usage_scoped_tags(workspace_id, tags)) WHERE tags IS NOT NULL
"""
DROP_FUNCTION = "DROP FUNCTION usage_scoped_tags(bigint, text[])"
SCOPED_TAGS = """
CREATE FUNCTION usage_scoped_tags(workspace_id bigint, tags text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT array_agg(workspace_id || ':' || tag) FROM unnest(tags) AS tag)
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0012_session_roll_up")]
    operations = [
        migrations.RunSQL([LOCK_TIMEOUT, DROP_INDEX], [LOCK_TIMEOUT, INDEX]),
        migrations.RunSQL(DROP_FUNCTION, SCOPED_TAGS),
    ]
