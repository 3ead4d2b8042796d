from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalogue", "0002_upstream_incidents"),
    ]

    operations = [
        migrations.AddField(
            model_name="model",
            name="retires_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="model",
            name="replacement",
            field=models.CharField(blank=True, db_default="", max_length=200),
        ),
    ]
