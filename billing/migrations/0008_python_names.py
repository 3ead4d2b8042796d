"""New names in Python for a model, its fields and choices; no table or column changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_spelled_as_they_are_said"),
    ]

    operations = [
        migrations.AlterModelTable(name="lowbalanceline", table="billing_lowbalanceline"),
        migrations.RenameModel(old_name="LowBalanceLine", new_name="LowBalanceThreshold"),
        migrations.AlterField(
            model_name="lowbalancethreshold",
            name="wallet",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="low_balance_threshold",
                to="billing.wallet",
            ),
        ),
        migrations.AlterField(
            model_name="lowbalancethreshold",
            name="told_at",
            field=models.DateTimeField(db_column="told_at", null=True),
        ),
        migrations.RenameField(
            model_name="lowbalancethreshold", old_name="told_at", new_name="notified_at"
        ),
        migrations.AlterField(
            model_name="topup",
            name="parked_because",
            field=models.CharField(
                blank=True, db_column="parked_because", default="", max_length=200
            ),
        ),
        migrations.RenameField(
            model_name="topup", old_name="parked_because", new_name="review_reason"
        ),
        migrations.AlterField(
            model_name="topup",
            name="steps",
            field=models.PositiveIntegerField(db_column="steps", default=0),
        ),
        migrations.RenameField(model_name="topup", old_name="steps", new_name="posting_count"),
        migrations.AlterField(
            model_name="hold",
            name="state",
            field=models.CharField(
                choices=[("open", "Held"), ("settled", "Settled"), ("void", "Voided")],
                db_default="open",
                default="open",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="topup",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("processing", "Processing"),
                    ("paid", "Paid"),
                    ("failed", "Failed"),
                    ("expired", "Expired"),
                    ("parked", "Needs review"),
                ],
                default="pending",
                max_length=16,
            ),
        ),
    ]
