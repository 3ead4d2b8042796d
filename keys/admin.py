"""Operator pages for keys, without their digests."""

from django.contrib import admin
from django.db.models import Q
from django.db.models.functions import Now

from keys.models import ApiKey
from web.read_only_admin import ConditionFilter, ReadOnlyAdmin


class Status(ConditionFilter):
    """Whether calls with the key are accepted."""

    title = "status"
    parameter_name = "status"
    conditions = {
        "active": (
            "Active",
            Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=Now())),
        ),
        "unused": ("Never used", Q(last_used_at=None)),
        "expired": ("Expired", Q(revoked_at=None, expires_at__lte=Now())),
        "revoked": ("Revoked", Q(revoked_at__isnull=False)),
    }


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("hint", "name", "workspace", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("workspace",)
    list_filter = (Status,)
    date_hierarchy = "created_at"
    search_fields = ("hint", "name", "workspace__name", "workspace__members__email")
    exclude = ("digest", "form_id")
