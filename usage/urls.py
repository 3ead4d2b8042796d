"""Routes of the dashboard."""

from django.urls import path

from usage import views
from usage.alerts.views import alerts, set_alerts
from usage.dashboard.views import dashboard
from usage.exports.views import export

app_name = "usage"
urlpatterns = [
    path("developers/usage/alerts", alerts, name="alerts"),
    path("developers/usage/alerts/lines", set_alerts, name="set_alerts"),
    path("developers/usage", dashboard, name="usage"),
    path("developers/usage/export/<str:name>", export, name="export"),
    path("developers/usage/requests", views.requests, name="requests"),
    path("developers/usage/requests/<str:request_id>", views.receipt, name="request"),
]
