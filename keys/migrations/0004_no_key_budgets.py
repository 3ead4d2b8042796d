"""Budgets are not built yet: their model goes, their table stays for one release.

Processes of the release before this one may still read keys_keybudget during the deploy. A later
release drops the table. Its foreign key goes now: without the model, Django no longer deletes a
key's budgets with the key, and empties keys_apikey in tests without this table, which PostgreSQL
refuses for a table that another one references.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0003_spelled_as_they_are_said"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.AlterField(
                    model_name="keybudget",
                    name="key",
                    field=models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="budgets",
                        to="keys.apikey",
                    ),
                ),
            ],
            state_operations=[migrations.DeleteModel(name="KeyBudget")],
        ),
    ]
