"""Give request records their price lines, attempts, labels and waiting times.

The columns are nullable and have no default, so PostgreSQL rewrites no row, and gateways of the
version before go on writing without them. A column of the parent is added to every partition.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

COLUMNS = {
    "lines": ("jsonb", models.JSONField(null=True)),
    "cache_creation_1h_input_tokens": ("bigint", models.BigIntegerField(null=True)),
    "hold_amount": ("bigint", models.BigIntegerField(null=True)),
    "balance_after": ("bigint", models.BigIntegerField(null=True)),
    "attempts": ("jsonb", models.JSONField(null=True)),
    "tags": ("text[]", ArrayField(models.TextField(), null=True)),
    "session_id": ("text", models.TextField(null=True)),
    "user_label": ("text", models.TextField(null=True)),
    "member_id": ("bigint", models.BigIntegerField(null=True)),
    "queue_ms": ("integer", models.IntegerField(null=True)),
    "hold_ms": ("integer", models.IntegerField(null=True)),
    "error_code": ("text", models.TextField(null=True)),
    "refusals": ("integer", models.IntegerField(null=True)),
}

# Settlements queue behind a lock that is waited for; a migration that times out can be run again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
ADD = "ALTER TABLE usage_requestrecord " + ", ".join(
    f"ADD COLUMN {name} {kind}" for name, (kind, _) in COLUMNS.items()
)
DROP = "ALTER TABLE usage_requestrecord " + ", ".join(f"DROP COLUMN {name}" for name in COLUMNS)


class Migration(migrations.Migration):
    dependencies = [("usage", "0005_partition_of_a_month")]
    operations = [
        migrations.RunSQL([LOCK_TIMEOUT, ADD], [LOCK_TIMEOUT, DROP]),
        # The model is unmanaged: these change Django's state alone.
        *(
            migrations.AddField("requestrecord", name, field)
            for name, (_, field) in COLUMNS.items()
        ),
    ]
