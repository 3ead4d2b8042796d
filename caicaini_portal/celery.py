"""The Celery application; every task lives in its app's tasks.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")

app = Celery("caicaini")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
