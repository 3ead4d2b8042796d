"""allauth's adapters: they connect its sign-up and sign-in to our accounts."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from accounts import confirmation, known_devices, services
from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up with e-mail and password, and the mails about it.

    Links in mails start with PUBLIC_URL, never with a request's Host header.
    """

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "The address or the password is not right.",
        "too_many_login_attempts": "Too many attempts. Wait five minutes and try again.",
        "incorrect_password": "That is not your password.",
        "enter_current_password": "That is not your current password.",
    }

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Store the person with their address in lower case and a workspace of their own."""
        saved: User = super().save_user(request, user, form, commit=False)
        saved.email = saved.email.lower()
        if commit:
            saved.save()
            services.give_personal_workspace(saved)
        return saved

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign a person in; one created by `manage.py createsuperuser` gets a workspace first."""
        services.give_personal_workspace(user)
        super().login(request, user)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponseBase:
        """Remember the browser, so that wrong guesses of others do not lock its owner out."""
        response: HttpResponseBase = super().post_login(request, user, **kwargs)
        known_devices.remember(response, user.email)
        return response

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Return what wrong guesses are counted by: the address, and apart on a known device."""
        key: str = super()._get_login_attempts_cache_key(request, **credentials)
        email = credentials.get("email") or ""
        return f"{key}:known" if known_devices.is_known(request, email) else key

    def send_confirmation_mail(
        self, request: HttpRequest, emailconfirmation: Any, signup: bool
    ) -> None:
        """Send the link that confirms an address; one for a change of address has its own words."""
        address = emailconfirmation.email_address
        is_change = address.email.lower() != address.user.email.lower()
        if not is_change:
            confirmation.note_address(request, address.email)
        self.send_mail(
            f"account/email/{'address_change' if is_change else 'email_confirmation'}",
            address.email,
            {
                "user": address.user,
                "activate_url": self.get_email_confirmation_url(request, emailconfirmation),
            },
        )

    def send_mail(self, template_prefix: str, email: str, given: dict[str, Any]) -> None:
        """Send a mail; its templates can use `public_url`."""
        super().send_mail(template_prefix, email, {"public_url": settings.PUBLIC_URL, **given})

    def is_safe_url(self, url: str) -> bool:
        """Return whether `url` leads to a page of ours; allauth raises for one that is none."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Return the settings page; allauth would show the empty form again."""
        return reverse("accounts:settings")

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Return the link that confirms a new address."""
        path = reverse("account_confirm_email", args=[emailconfirmation.key])
        return f"{settings.PUBLIC_URL}{path}"

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link to the form for a new password."""
        return f"{settings.PUBLIC_URL}{urlsplit(super().get_reset_password_from_key_url(key)).path}"


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Sign-up through Google or GitHub."""

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        """Return a provider's credentials; without any its pages are a 404."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist as error:
            raise Http404(f"{provider} is not configured.") from error

    def new_user(self, request: HttpRequest, sociallogin: Any) -> User:
        """Return the person, not stored yet.

        allauth serializes them into the session while it asks for missing details. It cannot
        serialize the database default of `joined_at`, so the time is set here.
        """
        person: User = super().new_user(request, sociallogin)
        person.joined_at = timezone.now()
        return person

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Store the person with a workspace of their own."""
        saved: User = super().save_user(request, sociallogin, form)
        services.give_personal_workspace(saved)
        return saved
