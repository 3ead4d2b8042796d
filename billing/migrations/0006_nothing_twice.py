"""Drop a redundant foreign key of holds, and an index of entries that is another's prefix."""

import django.db.models.deletion
from django.db import migrations, models

# By hand: Django would drop the foreign key with it, and scan the whole table to restore it.
DROP_INDEX = "DROP INDEX billing_ledgerentry_wallet_id_d66e2707"
CREATE_INDEX = (
    "CREATE INDEX billing_ledgerentry_wallet_id_d66e2707 ON billing_ledgerentry (wallet_id)"
)
# In the gateway's order: a running gateway and this migration cannot deadlock.
LOCK = "LOCK TABLE billing_wallet, billing_hold, billing_ledgerentry IN ACCESS EXCLUSIVE MODE"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_holds_by_their_key"),
    ]

    operations = [
        migrations.RunSQL(LOCK, LOCK),
        migrations.AlterField(
            model_name="hold",
            name="wallet",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="holds",
                to="billing.wallet",
            ),
        ),
        migrations.RunSQL(
            DROP_INDEX,
            CREATE_INDEX,
            state_operations=[
                migrations.AlterField(
                    model_name="ledgerentry",
                    name="wallet",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="billing.wallet",
                    ),
                ),
            ],
        ),
    ]
