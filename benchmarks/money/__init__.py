"""`bin/bench money`: the ledger under a million operations, and at the end of its credits."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")
django.setup()  # the modules of this package import models

from benchmarks.money.run import main  # noqa: E402

__all__ = ["main"]
