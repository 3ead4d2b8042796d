"""The composition root: settings, routes, the ASGI entry, Celery."""

from caicaini_portal.celery import app as celery_app

__all__ = ["celery_app"]
