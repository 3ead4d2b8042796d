"""Routes of the landing page and the documentation."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from docs_site import live_limits, own_calls, views
from docs_site.landing.views import landing
from docs_site.openapi.views import openapi_json
from docs_site.operator import views as operator_views
from docs_site.search.views import search


class PageSlug(StringConverter):
    """The slug of a page; those of generated pages have two parts: reference/messages."""

    regex = "[a-z0-9-]+(?:/[a-z0-9-]+)?"


register_converter(PageSlug, "page_slug")

app_name = "docs"
urlpatterns = [
    path("", landing, name="landing"),
    path("docs/", views.start, name="start"),
    path("docs/search", search, name="search"),
    path("developers/limits", live_limits.live_limits, name="live_limits"),
    path("developers/errors", own_calls.own_errors, name="own_errors"),
    path("developers/models", own_calls.own_models, name="own_models"),
    path("docs/changelog.atom", views.changelog_feed, name="changelog_feed"),
    path("docs/<page_slug:slug>", views.page, name="page"),
    path("docs/<page_slug:slug>.md", views.markdown, name="markdown"),
    path("openapi.json", openapi_json, name="openapi_json"),
    path("llms.txt", views.llms_txt, name="llms_txt"),
    path("llms-full.txt", views.llms_full_txt, name="llms_full_txt"),
    path("terms", operator_views.terms, name="terms"),
    path("privacy", operator_views.privacy, name="privacy"),
    path("support", operator_views.support, name="support"),
]
