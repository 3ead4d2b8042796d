"""Addresses of the pages about money."""

from django.urls import path

from billing.pages import ledger_views, statement_views, views
from billing.stripe import webhook

app_name = "billing"
urlpatterns = [
    path("developers/billing", views.billing, name="billing"),
    path("developers/billing/top-ups", views.start_top_up, name="start_top_up"),
    path("developers/billing/top-ups/<uuid:top_up_id>", views.top_up, name="top_up"),
    path(
        "developers/billing/top-ups/<uuid:top_up_id>/cancel",
        views.cancel_top_up,
        name="cancel_top_up",
    ),
    path(
        "developers/billing/low-balance-line",
        views.set_low_balance_threshold,
        name="set_low_balance_threshold",
    ),
    path("developers/billing/ledger", ledger_views.ledger, name="ledger"),
    path("developers/billing/statements", statement_views.statements, name="statements"),
    path(
        "developers/billing/statements/<int:year>-<int:month>",
        statement_views.statement,
        name="statement",
    ),
    path("developers/balance", views.balance, name="balance"),
    path("webhooks/stripe", webhook.receive, name="webhook"),
]
