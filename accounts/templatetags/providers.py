"""Tags about the services that a person can sign in with."""

from collections.abc import Iterable
from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django import template
from django.template import Context

register = template.Library()


@register.simple_tag(takes_context=True)
def any_providers(context: Context) -> bool:
    """Return whether a service is configured that a person can sign in with."""
    return bool(get_adapter().list_providers(context["request"]))


@register.simple_tag(takes_context=True)
def unconnected_providers(context: Context, accounts: Iterable[SocialAccount]) -> list[Any]:
    """Return the configured services that none of these accounts is of."""
    connected = {account.get_provider().id for account in accounts}
    providers = get_adapter().list_providers(context["request"])
    return [provider for provider in providers if provider.id not in connected]
