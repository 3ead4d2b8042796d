"""Give an upstream a dialect and habits of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0004_price_of_an_hour")]
    operations = [
        migrations.AddField(
            model_name="upstream",
            name="dialect",
            field=models.CharField(blank=True, db_default="", max_length=40),
        ),
        migrations.AddField(
            model_name="upstream",
            name="habits",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
    ]
