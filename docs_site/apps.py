"""Django's registration of the app."""

from django.apps import AppConfig


class DocsSiteConfig(AppConfig):
    name = "docs_site"
