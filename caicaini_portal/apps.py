"""Django's registration of the project's own package: its frame and template filters."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "caicaini_portal"
