"""The time zone in which a person sees days and hours."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_first_run_closed")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="time_zone",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
    ]
