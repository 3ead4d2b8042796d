"""The Celery application; every task lives in its app's tasks.py."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init
from django.conf import settings

from caicaini_portal.environment import require

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")

app = Celery("caicaini")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _require_broker(**_: Any) -> None:
    """Require REDIS_URL: without it Celery would try an AMQP broker on this machine."""
    require("REDIS_URL", settings.REDIS_URL)


celeryd_init.connect(_require_broker)
beat_init.connect(_require_broker)
