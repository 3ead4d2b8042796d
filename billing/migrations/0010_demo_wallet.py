"""The demo wallet, and the kind of entry that fills it."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

KINDS = ["top_up", "usage", "grant", "refund", "dispute", "adjustment", "demo"]
# In the gateway's order: a running gateway and this migration cannot deadlock.
LOCK = "LOCK TABLE billing_wallet, billing_ledgerentry IN ACCESS EXCLUSIVE MODE"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0009_hold_retention"),
    ]

    operations = [
        migrations.RunSQL(LOCK, LOCK),
        migrations.CreateModel(
            name="DemoWallet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "wallet",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.wallet",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="demo_wallet_single_row"
                    )
                ],
            },
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("top_up", "Top-up"),
                    ("usage", "Usage"),
                    ("grant", "Grant"),
                    ("refund", "Refund"),
                    ("dispute", "Dispute"),
                    ("adjustment", "Adjustment"),
                    ("demo", "Demo"),
                ],
                max_length=16,
            ),
        ),
        migrations.RemoveConstraint(model_name="ledgerentry", name="entry_kind_known"),
        # 0011 validates it, without a lock that entries would wait for.
        AddConstraintNotValid(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", KINDS)), name="entry_kind_known"
            ),
        ),
    ]
