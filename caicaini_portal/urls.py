"""Every address of the portal; /v1 is the gateway's (see asgi.py)."""

from django.contrib import admin
from django.urls import include, path

from caicaini_portal import health

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
