"""The lines of the mails about days and keys that spend much."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_user_time_zone"),
        ("usage", "0010_record_retention"),
    ]

    operations = [
        migrations.CreateModel(
            name="SpendAlerts",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day_line", models.PositiveBigIntegerField(null=True)),
                ("time_zone", models.CharField(max_length=64)),
                ("key_floor", models.PositiveBigIntegerField(null=True)),
                ("since", models.DateTimeField()),
                ("checked_seq", models.BigIntegerField(default=0)),
                (
                    "workspace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="spend_alerts",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("day_line__isnull", True), ("day_line__gt", 0), _connector="OR"
                        ),
                        name="spend_day_line_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("key_floor__isnull", True), ("key_floor__gt", 0), _connector="OR"
                        ),
                        name="spend_key_floor_positive",
                    ),
                ],
            },
        ),
    ]
