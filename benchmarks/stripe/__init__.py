"""`bin/bench stripe`: top-ups under forgery, disorder, loss and killed handlers, in full length."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")
django.setup()  # the modules of this package import models

from benchmarks.stripe.run import main  # noqa: E402

__all__ = ["main"]
