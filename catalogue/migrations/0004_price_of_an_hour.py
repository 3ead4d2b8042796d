"""Give a price row the price of a cache that is kept for an hour; null means that of any other."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0003_model_life_cycle")]
    operations = [
        migrations.AddField(
            model_name="modelprice",
            name="cache_write_1h_credits_per_mtok",
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
    ]
