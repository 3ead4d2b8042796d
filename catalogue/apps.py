"""Django's registration of the app."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "catalogue"
