"""Who has put the first-run checklist away, and when."""

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
