"""Load gateway_apply_2 beside gateway_apply, which gateways of the version before still call."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parents[1] / "metering" / "sql" / "gateway_apply_2.sql"


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("billing", "0007_spelled_as_they_are_said"),
        ("keys", "0003_spelled_as_they_are_said"),
        ("usage", "0006_record_details"),
    ]
    operations = [
        migrations.RunSQL(
            SQL.read_text(), "DROP FUNCTION gateway_apply_2(bigint, bigint[], json, json)"
        )
    ]
