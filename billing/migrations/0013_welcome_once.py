"""Welcome credits once per person and wallet, and a count per network and day."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0012_cancelled_top_ups"),
    ]

    operations = [
        migrations.CreateModel(
            name="WelcomeNetwork",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "network",
                        "day",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("network", models.BinaryField(max_length=32)),
                ("day", models.DateField()),
                ("granted", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="WelcomeCredits",
            fields=[
                (
                    "person",
                    models.BinaryField(max_length=32, primary_key=True, serialize=False),
                ),
                ("is_extra", models.BooleanField(db_default=False, default=False)),
                ("granted_at", models.DateTimeField(db_default=Now())),
                (
                    "wallet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.wallet",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_extra", False)),
                        fields=("wallet",),
                        name="welcome_once_per_wallet",
                    )
                ],
            },
        ),
    ]
