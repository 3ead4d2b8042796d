from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0016_top_up_state_since")]

    operations = [
        migrations.AddField(
            model_name="wallet",
            name="frozen_for",
            field=models.CharField(
                blank=True,
                choices=[
                    ("audit", "An audit found a fault"),
                    ("losses", "Its calls cost more than was held"),
                ],
                db_default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="wallet",
            name="unfrozen_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
