"""`bin/bench stripe`: top-ups under forged, reordered and lost events and killed handlers."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")
django.setup()  # the modules of this package import models

from benchmarks.stripe.run import main  # noqa: E402

__all__ = ["main"]
