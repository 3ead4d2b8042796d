"""Operator pages for people and workspaces."""

from django.contrib import admin

from accounts.models import Membership, User, Workspace
from caicaini_portal.read_only_admin import ReadOnlyAdmin, ReadOnlyInline


class MembershipInline(ReadOnlyInline):
    model = Membership
    fields = ("workspace", "user", "role", "created_at")
    readonly_fields = fields


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "is_active", "is_staff", "joined_at", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email",)
    ordering = ("-joined_at",)
    fields = ("email", "is_active", "is_staff", "joined_at", "last_login")
    inlines = (MembershipInline,)


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnlyAdmin):
    list_display = ("name", "id", "created_at")
    search_fields = ("name", "members__email")
    ordering = ("-created_at",)
    inlines = (MembershipInline,)
