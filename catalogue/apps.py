"""Django's registration of the app."""

from importlib import import_module

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "catalogue"

    def ready(self) -> None:
        """Register the check; it reads the settings, which are loaded only now."""
        import_module("catalogue.checks")
