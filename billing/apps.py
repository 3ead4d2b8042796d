"""Django's registration of the app."""

from importlib import import_module

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        """Connect to allauth's signals: only possible once all models are loaded."""
        import_module("billing.signals")
