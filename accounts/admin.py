"""Operator pages for people and workspaces."""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.sites.models import Site
from django.utils.safestring import SafeString

from accounts.models import Membership, User, Workspace
from web.read_only_admin import ReadOnlyAdmin, ReadOnlyInline, lists_of

# The libraries' own pages can edit: marking an address as confirmed would open somebody's account.
# Providers come from the environment, and groups and sites are unused here.
admin.site.unregister([EmailAddress, SocialAccount, SocialApp, SocialToken, Group, Site])


class MembershipInline(ReadOnlyInline):
    model = Membership
    fields = ("workspace", "user", "role", "created_at")
    readonly_fields = fields


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "is_active", "is_staff", "joined_at", "last_login")
    list_filter = ("is_active", "is_staff")
    date_hierarchy = "joined_at"
    search_fields = ("email",)
    ordering = ("-joined_at",)
    fields = ("email", "is_active", "is_staff", "joined_at", "last_login")
    inlines = (MembershipInline,)


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnlyAdmin):
    list_display = ("name", "id", "created_at", "related")
    search_fields = ("name", "members__email")
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    fields = ("name", "created_at", "related")
    readonly_fields = fields
    inlines = (MembershipInline,)

    def related(self, workspace: Workspace) -> SafeString:
        """Link its money and its keys."""
        return lists_of(
            {
                "Wallets": ("billing_wallet", f"workspace__exact={workspace.pk}"),
                "API keys": ("keys_apikey", f"workspace__exact={workspace.pk}"),
            }
        )
