"""Operator pages for the catalogue as loaded from its file."""

from django.contrib import admin

from catalogue.models import CatalogueSync, Model, ModelPrice, Upstream
from web.read_only_admin import ReadOnlyAdmin, ReadOnlyInline


class PriceInline(ReadOnlyInline):
    model = ModelPrice


class UpstreamInline(ReadOnlyInline):
    model = Upstream


@admin.register(Model)
class ModelAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "name", "is_auto", "context_tokens", "retired_at")
    search_fields = ("public_id", "name")
    inlines = (PriceInline, UpstreamInline)


@admin.register(CatalogueSync)
class CatalogueSyncAdmin(ReadOnlyAdmin):
    list_display = ("synced_at", "digest")
    ordering = ("-synced_at",)
