"""Template variables of every page: navigation, workspace and balance."""

from functools import partial
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import ResolverMatch, reverse
from django.utils.functional import SimpleLazyObject

from accounts.access import KEY_ROLES, current_membership
from accounts.models import Membership
from billing.ledger.wallets import wallet_of
from caicaini_portal.development_mail import has_mailbox


class Section(NamedTuple):
    """An entry of the navigation under /developers; `short` is its name on the smallest phones."""

    name: str
    url: str
    icon: str
    is_current: bool
    short: str = ""


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Return what base.html shows around a page; membership and wallet only when signed in."""
    context: dict[str, Any] = {
        # What a newcomer is promised before any payment.
        "welcome_credits": 0 if settings.WELCOME_AFTER_PAYMENT else settings.WELCOME_CREDITS,
        "area": request.path.lstrip("/").partition("/")[0],
    }
    if has_mailbox():
        context["development_mail_url"] = reverse("development_mail")
    membership = _membership(request)
    if membership is None:
        return context
    sections = _sections(request.resolver_match, membership)
    if any(section.is_current for section in sections):  # allauth's pages are under Settings
        context["area"] = "developers"
    return context | {
        "membership": membership,
        # Read only if the page has not read it itself.
        "api_wallet": SimpleLazyObject(partial(wallet_of, membership.workspace)),
        "sections": sections,
    }


def _membership(request: HttpRequest) -> Membership | None:
    # A request that failed before the middleware has no user; @member has loaded it already.
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    known: Membership | None = getattr(request, "membership", None)
    return known or current_membership(request)


def _sections(match: ResolverMatch | None, membership: Membership) -> list[Section]:
    here = match.view_name if match else ""
    sections = [
        Section("Keys", reverse("keys:list"), "key", here.startswith("keys:")),
        *_console(here, membership),
        Section("Usage", reverse("usage:usage"), "chart", here.startswith("usage:")),
        Section("Billing", reverse("billing:billing"), "coins", here.startswith("billing:")),
        Section(
            "Settings", reverse("accounts:settings"), "gear", here.startswith(("account", "social"))
        ),
    ]
    if membership.first_run_closed_at is None:
        start, is_current = reverse("onboarding:first_run"), here == "onboarding:first_run"
        sections.insert(0, Section("Get started", start, "flag", is_current, short="Start"))
    return sections


def _console(here: str, membership: Membership) -> list[Section]:
    """Return the console's entry, for those who may open it."""
    if membership.role not in KEY_ROLES:
        return []
    address = reverse("console:console")
    return [Section("Console", address, "terminal", here.startswith("console:"))]
