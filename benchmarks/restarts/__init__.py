"""`bin/bench restarts`: the whole product under load while its web processes are replaced."""

import os

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")
if not apps.ready:
    django.setup()  # the modules of this package import models

from benchmarks.restarts.run import main

__all__ = ["main"]
