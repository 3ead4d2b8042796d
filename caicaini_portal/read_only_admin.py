"""Operator pages that show rows and change nothing: what may change them are services."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest


class _OnlyShown:
    """Every operator may look; nobody adds, changes or deletes."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow: whoever gets here is staff."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False


class ReadOnlyAdmin(_OnlyShown, admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists rows and shows them."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let every operator find the app on the start page."""
        return True


class ReadOnlyInline(_OnlyShown, admin.TabularInline):  # type: ignore[type-arg]
    """Rows below the row they belong to."""

    extra = 0
