"""`bin/bench chaos`: the whole product under load while its processes are killed one by one."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")
django.setup()  # the modules of this package import models

from benchmarks.chaos.run import main  # noqa: E402

__all__ = ["main"]
