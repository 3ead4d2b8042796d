"""Let request records be of refused calls too: they may have no price, and have a reason."""

from django.db import migrations, models

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
ALTER = """
ALTER TABLE usage_requestrecord
    ALTER COLUMN price_id DROP NOT NULL, ADD COLUMN error_message text
"""
# The version before writes and reads a record's price as a number.
RESTORE = """
ALTER TABLE usage_requestrecord
    ALTER COLUMN price_id SET NOT NULL, DROP COLUMN error_message
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0007_roll_ups")]
    operations = [
        migrations.RunSQL(
            [LOCK_TIMEOUT, ALTER],
            [LOCK_TIMEOUT, "DELETE FROM usage_requestrecord WHERE price_id IS NULL", RESTORE],
        ),
        # The model is unmanaged: this changes Django's state alone.
        migrations.AddField("requestrecord", "error_message", models.TextField(null=True)),
    ]
