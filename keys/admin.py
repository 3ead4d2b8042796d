"""Operator pages for keys, without their digests."""

from django.contrib import admin

from keys.models import ApiKey
from web.read_only_admin import ReadOnlyAdmin


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("hint", "name", "workspace", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("workspace",)
    search_fields = ("hint", "name", "workspace__name", "workspace__members__email")
    exclude = ("digest", "form_id")
