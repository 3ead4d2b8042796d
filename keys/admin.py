"""Operator pages for keys. A digest is nobody's business: it is not shown."""

from django.contrib import admin

from keys.models import ApiKey, KeyBudget
from web.read_only_admin import ReadOnlyAdmin, ReadOnlyInline


class BudgetInline(ReadOnlyInline):
    model = KeyBudget
    fields = ("period", "starts_on", "limit", "spent", "held")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("hint", "name", "workspace", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("workspace",)
    search_fields = ("hint", "name", "workspace__name", "workspace__members__email")
    exclude = ("digest", "form_id")
    inlines = (BudgetInline,)
