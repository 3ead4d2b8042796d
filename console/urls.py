"""Routes of the console that are Django's; endpoints.py has the others."""

from django.urls import path

from console import runs, views

app_name = "console"
urlpatterns = [
    path("developers/console", views.console, name="console"),
    path("developers/console/signed-in", views.signed_in, name="signed_in"),
    path("developers/console/runs/<str:request_id>", runs.run, name="run"),
]
