#!/usr/bin/env python
"""Django's command line, with Caicaini's settings."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import OperationalError

from server.dependency_checks import database_error


def main() -> None:
    """Run a command; an unavailable database is reported in one sentence, without a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError:
        error = database_error()
        if not error:
            raise
        sys.exit(error)


if __name__ == "__main__":
    main()
