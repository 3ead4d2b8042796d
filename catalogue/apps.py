"""Django's registration of the app."""

from importlib import import_module

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "catalogue"

    def ready(self) -> None:
        """Make the check known; it reads the settings, which are there only now."""
        import_module("catalogue.checks")
