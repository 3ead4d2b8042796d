"""Keep audit runs; give each hold its record's time, and index the time of its end."""

import django.contrib.postgres.indexes
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models

# Existing holds may have a record. Usage is above billing, so its table may not exist yet.
FIND_MOMENTS = """
DO $$ BEGIN
    IF to_regclass('usage_requestrecord') IS NOT NULL THEN
        UPDATE billing_hold AS hold SET accepted_at = record.accepted_at
        FROM usage_requestrecord AS record WHERE record.id = hold.id;
    END IF;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_guards"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("full", "Full"), ("recent", "Recent")], max_length=16
                    ),
                ),
                ("started_at", models.DateTimeField()),
                (
                    "finished_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("covered_from", models.DateTimeField(null=True)),
                ("covered_until", models.DateTimeField()),
                ("is_ok", models.BooleanField()),
                ("wallets", models.BigIntegerField()),
                ("entries", models.BigIntegerField()),
                ("holds", models.BigIntegerField()),
                ("records", models.BigIntegerField()),
                ("findings", models.JSONField(default=list)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="hold",
            name="hold_state_consistent",
        ),
        migrations.AddField(
            model_name="hold",
            name="accepted_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="hold",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["closed_at"], name="hold_by_moment"
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["created_at"], name="entry_by_moment"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("actual__isnull", True), ("closed_at__isnull", True), ("state", "open")
                    ),
                    models.Q(
                        ("actual__isnull", True), ("closed_at__isnull", False), ("state", "void")
                    ),
                    models.Q(
                        ("actual__gte", 0),
                        ("actual__isnull", False),
                        ("actual__lte", models.F("amount")),
                        ("closed_at__isnull", False),
                        ("state", "settled"),
                    ),
                    _connector="OR",
                ),
                name="hold_state_consistent",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["full", "recent"])), name="audit_run_kind_known"
            ),
        ),
        migrations.RunSQL(FIND_MOMENTS, migrations.RunSQL.noop),
    ]
