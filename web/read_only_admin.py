"""Operator pages that show rows and change nothing: what may change them are services."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse


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

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        """Find nothing under an id that cannot be one: PostgreSQL's text holds no NUL."""
        if "\0" in object_id:
            return None
        found: Model | None = super().get_object(request, object_id, from_field)
        return found

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """List the rows, if what is asked for can be asked of PostgreSQL at all."""
        if any("\0" in value for _, values in request.GET.lists() for value in values):
            raise BadRequest("A filter with a NUL in it.")
        return super().get_changelist_instance(request)

    def response_action(  # type: ignore[override]  # the stubs know Django 6
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        """Do what was asked with the rows that were chosen, if they are rows."""
        try:
            for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(chosen)
        except ValidationError:
            self.message_user(request, "What you chose is no row of this list.", messages.ERROR)
            return None
        return super().response_action(request, queryset)


class ReadOnlyInline(_OnlyShown, admin.TabularInline):  # type: ignore[type-arg]
    """Rows below the row they belong to."""

    extra = 0
