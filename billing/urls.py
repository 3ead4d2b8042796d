"""Addresses of the pages about money."""

from django.urls import path

from billing import views, webhook

app_name = "billing"
urlpatterns = [
    path("developers/billing", views.billing, name="billing"),
    path("developers/balance", views.balance, name="balance"),
    path("webhooks/stripe", webhook.receive, name="webhook"),
]
