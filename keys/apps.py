"""Django's registration of the app."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    name = "keys"
