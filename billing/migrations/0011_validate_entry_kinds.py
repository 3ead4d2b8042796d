"""Validate what 0010 added without a look at the rows of before."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_demo_wallet"),
    ]

    operations = [
        ValidateConstraint(model_name="ledgerentry", name="entry_kind_known"),
    ]
