"""Django's registration of the project's own package, for its deploy checks."""

from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "caicaini_portal"

    def ready(self) -> None:
        """Register the checks; they read the settings, which are loaded only now."""
        import_module("caicaini_portal.deploy_checks")
