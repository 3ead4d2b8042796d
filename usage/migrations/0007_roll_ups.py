"""Roll-ups of a quarter hour, an hour and a day, in the place of those of an hour.

They are read and written in SQL alone (usage/reading.py, usage/roll_up.py), so Django has no models
of them. Every hour with records is marked, and the roll-up sums it up again from its records.

Processes of the version before go on reading usage_usagehour, which falls behind meanwhile. Their
roll-up fails: it would take marks and sum up into that table alone. A later migration drops it.
"""

from django.db import migrations

MEASURES = """
    requests bigint NOT NULL,
    refusals bigint NOT NULL,
    errors bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_creation_input_tokens bigint NOT NULL,
    cache_creation_1h_input_tokens bigint NOT NULL,
    cache_read_input_tokens bigint NOT NULL,
    credits bigint NOT NULL,
    lost_credits bigint NOT NULL
"""
# A histogram's subscripts are slots of usage_slot; it has those from the first to the last in use.
ROLL_UP = """
CREATE TABLE usage_{level} (
    workspace_id bigint NOT NULL,
    bucket timestamptz NOT NULL CHECK (bucket = date_bin('{width}', bucket, 'epoch')),
    key_id bigint,
    model text NOT NULL,
    source text NOT NULL,
    {measures},
    errors_by_code jsonb,
    latency integer[],
    first_byte integer[],
    CONSTRAINT usage_{level}_row
        UNIQUE NULLS NOT DISTINCT (workspace_id, bucket, key_id, model, source)
)
"""
# A call counts once in the row of each of its tags, and once in the row without a tag. In the row
# of the empty tag it counts if a tag of it is not among the day's first 200.
TAG_ROLL_UP = """
CREATE TABLE usage_tag_{level} (
    workspace_id bigint NOT NULL,
    bucket timestamptz NOT NULL CHECK (bucket = date_bin('{width}', bucket, 'epoch')),
    tag text,
    {measures},
    CONSTRAINT usage_tag_{level}_row UNIQUE NULLS NOT DISTINCT (workspace_id, bucket, tag)
)
"""
WIDTHS = {"quarter": "15 minutes", "hour": "1 hour", "day": "1 day"}
NAMES = [f"{prefix}_{level}" for prefix in ("usage", "usage_tag") for level in WIDTHS]
TABLES = [
    statement.format(level=level, width=width, measures=MEASURES)
    for statement in (ROLL_UP, TAG_ROLL_UP)
    for level, width in WIDTHS.items()
]
# The tags of a day that have rows of their own: the first 200, by the moment of their first call.
KEPT_TAGS = """
CREATE TABLE usage_kept_tag (
    workspace_id bigint NOT NULL,
    day timestamptz NOT NULL,
    tag text NOT NULL,
    first_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, day, tag)
)
"""

# Three slots for each doubling; the last begins at 2^20 ms. usage/histograms.py has the same edges.
SLOT = """
CREATE FUNCTION usage_slot(milliseconds integer) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN width_bucket(milliseconds, ARRAY[
    1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 51, 64, 81, 102, 128, 161, 203, 256, 323, 406,
    512, 645, 813, 1024, 1290, 1625, 2048, 2580, 3251, 4096, 5161, 6502, 8192, 10321, 13004, 16384,
    20643, 26008, 32768, 41285, 52016, 65536, 82570, 104032, 131072, 165140, 208064, 262144,
    330281, 416128, 524288, 660561, 832255, 1048576
])
"""
HISTOGRAM = """
CREATE FUNCTION usage_histogram(slots integer[], counts bigint[]) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size integer := cardinality(slots);
    histogram integer[] := array_fill(0, ARRAY[slots[size] - slots[1] + 1], ARRAY[slots[1]]);
BEGIN
    FOR place IN 1..size LOOP
        histogram[slots[place]] := counts[place];
    END LOOP;
    RETURN histogram;
END $$
"""

SUPERSEDED = """
CREATE FUNCTION usage_hours_are_superseded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'usage_usagehour is superseded by usage_quarter, usage_hour and usage_day';
END $$
"""
REFUSE = """
CREATE TRIGGER usage_hours_are_superseded BEFORE INSERT ON usage_usagehour
    FOR EACH STATEMENT EXECUTE FUNCTION usage_hours_are_superseded()
"""
# Django no longer deletes its rows before it deletes a workspace.
FREE = """
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT conname FROM pg_constraint
        WHERE conrelid = 'usage_usagehour'::regclass AND contype = 'f'
    LOOP
        EXECUTE format('ALTER TABLE usage_usagehour DROP CONSTRAINT %I', name);
    END LOOP;
END $$
"""
BIND = """
ALTER TABLE usage_usagehour ADD CONSTRAINT usage_usagehour_workspace_id_fk
    FOREIGN KEY (workspace_id) REFERENCES accounts_workspace DEFERRABLE INITIALLY DEFERRED
"""
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
MARK = """
INSERT INTO usage_dirtyhour (workspace_id, starts_at)
SELECT DISTINCT workspace_id, starts_at FROM usage_usagehour
"""
UNMIGRATED = """
INSERT INTO usage_dirtyhour (workspace_id, starts_at)
SELECT DISTINCT workspace_id, bucket FROM usage_hour
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0006_record_details")]
    operations = [
        migrations.RunSQL(SLOT, "DROP FUNCTION usage_slot(integer)"),
        migrations.RunSQL(HISTOGRAM, "DROP FUNCTION usage_histogram(integer[], bigint[])"),
        *(
            migrations.RunSQL(table, f"DROP TABLE {name}")
            for name, table in zip(NAMES, TABLES, strict=True)
        ),
        migrations.RunSQL(KEPT_TAGS, "DROP TABLE usage_kept_tag"),
        migrations.RunSQL(SUPERSEDED, "DROP FUNCTION usage_hours_are_superseded()"),
        migrations.RunSQL(
            [LOCK_TIMEOUT, REFUSE],
            [LOCK_TIMEOUT, "DROP TRIGGER usage_hours_are_superseded ON usage_usagehour"],
        ),
        migrations.RunSQL([LOCK_TIMEOUT, FREE], [LOCK_TIMEOUT, BIND]),
        migrations.RunSQL(MARK, UNMIGRATED),
        # The table stays for the processes of the version before.
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("UsageHour")]),
    ]
