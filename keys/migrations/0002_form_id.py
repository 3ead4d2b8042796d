"""A form makes one key, even when it is sent again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("keys", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="apikey", name="form_id", field=models.UUIDField(blank=True, null=True)
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.UniqueConstraint(
                fields=("workspace", "form_id"), name="key_form_unique"
            ),
        ),
    ]
