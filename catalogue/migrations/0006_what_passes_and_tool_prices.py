from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


def _price_of(tool: str) -> migrations.AddField:
    return migrations.AddField(
        model_name="modelprice",
        name=f"{tool}_credits_per_1k",
        field=models.PositiveBigIntegerField(blank=True, null=True),
    )


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0005_upstream_habits")]

    operations = [
        migrations.AddField(
            model_name="model",
            name="allow",
            field=ArrayField(
                base_field=models.CharField(max_length=200), blank=True, null=True, size=None
            ),
        ),
        *map(_price_of, ("web_search", "web_fetch", "code_execution")),
    ]
