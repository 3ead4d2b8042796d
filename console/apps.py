"""Django's registration of the app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "console"
