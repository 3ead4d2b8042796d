"""Routes of the pages about keys."""

from django.urls import URLPattern, path

from keys import views

app_name = "keys"


def urlpatterns_with(calls: views.Calls) -> list[URLPattern]:
    """Return the patterns; `calls` comes from usage, an app above this one."""
    given = {"calls": calls}
    return [
        path("developers/keys", views.key_list, given, name="list"),
        path("developers/keys/new", views.create, name="create"),
        path("developers/keys/<int:key_id>", views.key, given, name="key"),
        path("developers/keys/<int:key_id>/first-call", views.first_call, given, name="first_call"),
        path("developers/keys/<int:key_id>/revoke", views.revoke, name="revoke"),
    ]
