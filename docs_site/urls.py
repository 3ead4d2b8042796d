"""Routes of the landing page and the documentation."""

from django.urls import path

from docs_site import openapi, views

app_name = "docs"
urlpatterns = [
    path("", views.landing, name="landing"),
    path("docs/", views.start, name="start"),
    path("docs/<slug:slug>", views.page, name="page"),
    path("docs/<slug:slug>.md", views.markdown, name="markdown"),
    path("openapi.json", openapi.openapi_json, name="openapi_json"),
    path("llms.txt", views.llms_txt, name="llms_txt"),
]
