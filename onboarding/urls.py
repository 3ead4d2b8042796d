"""Routes of the checklist of a new workspace."""

from django.urls import path

from onboarding import views

app_name = "onboarding"
urlpatterns = [
    path("developers/", views.first_run, name="first_run"),
    path("developers/checklist/close", views.close_first_run, name="close_first_run"),
    path("developers/checklist/reopen", views.reopen_first_run, name="reopen_first_run"),
]
