"""Addresses of the operators' pages about the ledger."""

from django.urls import path

from billing.pages import operator_views

app_name = "billing_operator"
urlpatterns = [
    path("operator/audit", operator_views.audit, name="audit"),
    path("operator/audit/unfreeze/<int:wallet_id>", operator_views.unfreeze, name="unfreeze"),
]
