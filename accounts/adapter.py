"""Where allauth's sign-up meets our accounts."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest

from accounts import services
from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up with e-mail and password."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Store the person with their lower-case address and a workspace of their own."""
        saved: User = super().save_user(request, user, form, commit=False)
        saved.email = saved.email.lower()
        if commit:
            saved.save()
            services.give_personal_workspace(saved)
        return saved


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Sign-up through Google or GitHub."""

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Store the person with a workspace of their own."""
        saved: User = super().save_user(request, sociallogin, form)
        services.give_personal_workspace(saved)
        return saved
