"""Operator pages for the catalogue as loaded from its file."""

from django.contrib import admin

from catalogue.models import CatalogueSync, Model, ModelPrice, Upstream, UpstreamIncident
from web.read_only_admin import ReadOnlyAdmin, ReadOnlyInline


class PriceInline(ReadOnlyInline):
    model = ModelPrice


class UpstreamInline(ReadOnlyInline):
    model = Upstream


@admin.register(Model)
class ModelAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "name", "is_auto", "context_tokens", "retires_on", "retired_at")
    search_fields = ("public_id", "name")
    inlines = (PriceInline, UpstreamInline)


@admin.register(UpstreamIncident)
class UpstreamIncidentAdmin(ReadOnlyAdmin):
    list_display = ("serves", "upstream", "reason", "began_at", "recovered_at", "incidents")
    list_select_related = ("upstream__model",)
    ordering = ("-began_at",)

    @admin.display(ordering="upstream__model")
    def serves(self, incident: UpstreamIncident) -> str:
        """Return the model that the upstream serves."""
        return incident.upstream.model.public_id


@admin.register(CatalogueSync)
class CatalogueSyncAdmin(ReadOnlyAdmin):
    list_display = ("synced_at", "digest")
    ordering = ("-synced_at",)
