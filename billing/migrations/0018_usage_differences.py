"""Hours and days whose sums of usage are not those of their calls."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_user_time_zone"),
        ("billing", "0017_why_frozen"),
    ]

    operations = [
        migrations.CreateModel(
            name="UsageDifference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("requests", models.BigIntegerField()),
                ("errors", models.BigIntegerField()),
                ("tokens", models.BigIntegerField()),
                ("credits", models.BigIntegerField()),
                (
                    "found_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["since", "-until"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("workspace", "since", "until"), name="usage_difference_once"
                    )
                ],
            },
        ),
    ]
