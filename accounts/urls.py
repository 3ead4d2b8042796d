"""Routes of a person's own settings, and of what allauth's pages lack."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("developers/settings", views.settings, name="settings"),
    path("developers/settings/time-zone", views.choose_time_zone, name="choose_time_zone"),
    path("developers/settings/resend", views.resend_to_new_address, name="resend_to_new_address"),
    path("sign-up/resend", views.resend_confirmation, name="resend_confirmation"),
]
