"""Django's registration of the app."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"
