"""Routes of the dashboard."""

from django.urls import path

from usage import views

app_name = "usage"
urlpatterns = [
    path("developers/usage", views.usage, name="usage"),
    path("developers/usage/requests", views.requests, name="requests"),
    path("developers/usage/requests/<str:request_id>", views.receipt, name="request"),
]
