"""Routes of the pages about keys."""

from django.urls import URLPattern, path

from keys import views

app_name = "keys"


def urlpatterns_with(*, spent_by_key: views.SpentByKey) -> list[URLPattern]:
    """Return the patterns; `spent_by_key` comes from usage, an app above this one."""
    return [
        path("developers/keys", views.key_list, {"spent_by_key": spent_by_key}, name="list"),
        path("developers/keys/new", views.create, name="create"),
        path("developers/keys/<int:key_id>/first-call", views.first_call, name="first_call"),
        path("developers/keys/<int:key_id>/revoke", views.revoke, name="revoke"),
    ]
