"""Django's registration of the project's own package: its frame and template filters."""

from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "caicaini_portal"

    def ready(self) -> None:
        """Make the checks known; they read the settings, which are there only now."""
        import_module("caicaini_portal.deploy_checks")
