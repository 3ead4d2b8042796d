"""Operator pages that show rows and change none: only services may change them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from web.templatetags.display import dollars, grouped


class _ViewOnly:
    """Every operator may view; nobody may add, change or delete."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow: only staff get here."""
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


class ReadOnlyAdmin(_ViewOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists rows and shows them."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """List the app on the start page for every operator."""
        return True

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Head the list with the name of its rows; Django's heading asks to select one."""
        name = str(self.opts.verbose_name_plural)
        title = {"title": name[:1].upper() + name[1:]}
        return super().changelist_view(request, title | (extra_context or {}))

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        """Return None for an id with a NUL, which PostgreSQL's text cannot hold."""
        if "\0" in object_id:
            return None
        found: Model | None = super().get_object(request, object_id, from_field)
        return found

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """List the rows; a filter with a NUL, which PostgreSQL cannot hold, is a 400."""
        if any("\0" in value for _, values in request.GET.lists() for value in values):
            raise BadRequest("A filter with a NUL in it.")
        return super().get_changelist_instance(request)

    def response_action(  # type: ignore[override]  # the stubs are for Django 6
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        """Run the action on the selected rows; ids that cannot be ids are refused."""
        try:
            for selected in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(selected)
        except ValidationError:
            self.message_user(request, "Your selection is not a row of this list.", messages.ERROR)
            return None
        return super().response_action(request, queryset)


class ReadOnlyInline(_ViewOnly, admin.TabularInline):  # type: ignore[type-arg]
    """Related rows on the page of the row they belong to."""

    extra = 0


class ConditionFilter(admin.SimpleListFilter):
    """A filter whose choices are conditions: the parameter's value, its label and its condition."""

    conditions: ClassVar[Mapping[str, tuple[str, Q]]]

    def lookups(
        self,
        request: HttpRequest,
        model_admin: admin.ModelAdmin,  # type: ignore[type-arg]
    ) -> list[tuple[str, str]]:
        """Offer each condition."""
        return [(value, label) for value, (label, _) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows that the chosen condition is true of."""
        chosen = self.conditions.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


def amount(credits: int) -> SafeString:
    """Write credits with their dollars, for a column of a list: 499,988 ($5.00)."""
    return format_html(
        '<span class="amount">{} <small>({})</small></span>', grouped(credits), dollars(credits)
    )


def plain_amount(credits: int) -> SafeString:
    """Write credits alone, where a list has no room for dollars."""
    return format_html('<span class="amount">{}</span>', grouped(credits))


def lists_of(links: Mapping[str, tuple[str, str]]) -> SafeString:
    """Link lists of rows that belong to this one: a label to a list's address name and query."""
    found = (
        (f"{reverse(f'admin:{name}_changelist')}?{query}", label)
        for label, (name, query) in links.items()
    )
    return format_html_join(" · ", '<a href="{}">{}</a>', found)
