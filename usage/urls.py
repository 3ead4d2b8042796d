"""Addresses of the dashboard and of the first-run checklist."""

from django.urls import path

from usage import views

app_name = "usage"
urlpatterns = [
    path("developers/", views.first_run, name="first_run"),
    path("developers/checklist/close", views.close_first_run, name="close_first_run"),
    path("developers/usage", views.usage, name="usage"),
]
