"""`manage.py sync_catalogue`: load the catalogue file into the database."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalogue import sync
from catalogue.errors import CatalogueError


class Command(BaseCommand):
    help = "Load models, prices and upstreams from the catalogue file (CATALOGUE)."
    requires_system_checks = ()  # they read the same file and report the same, at more length

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changed = sync.sync(path=settings.CATALOGUE)
        except CatalogueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write("Catalogue loaded." if changed else "Catalogue unchanged.")
