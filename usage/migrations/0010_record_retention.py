"""From when on request records are kept."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0009_record_indexes")]
    operations = [
        migrations.CreateModel(
            name="RecordRetention",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("kept_since", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="record_retention_one_row"
                    )
                ]
            },
        )
    ]
