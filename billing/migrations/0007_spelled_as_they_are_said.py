"""The display name of top-ups for operators and in the ledger; no table or column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0006_nothing_twice"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="topup",
            options={"ordering": ["-created_at"], "verbose_name": "top-up"},
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
                ],
                max_length=16,
            ),
        ),
    ]
