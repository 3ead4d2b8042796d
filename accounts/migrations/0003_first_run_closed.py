"""When a member finished or dismissed the first-run checklist."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_portal_cache")]
    operations = [
        migrations.AddField(
            model_name="membership",
            name="first_run_closed_at",
            field=models.DateTimeField(blank=True, null=True),
        )
    ]
