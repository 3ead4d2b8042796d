"""`bin/bench usage`: reports, roll-ups and refusals over many request records."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")
django.setup()  # the modules of this package import models
