"""allauth's forms with our labels: sentence case, and one line on password rules."""

from typing import Any

from allauth.account import forms
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.forms import DisconnectForm as SocialDisconnectForm
from allauth.socialaccount.forms import SignupForm as SocialSignupForm
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse

from accounts import confirmation
from accounts.models import User

_GOOD_PASSWORD = "At least 10 characters, and not one that is easy to guess."  # noqa: S105
_AGAIN = "New password, once more"


class _OneAccount:
    """The same answer and the same work for a sign-up with an address that has an account.

    allauth's answers are the same already. A new account costs a password's hash, which is slow on
    purpose: its absence would tell that the account exists.
    """

    account_already_exists: bool
    cleaned_data: dict[str, Any]

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Make the account, or do as if; also when another request makes it meanwhile."""
        email, password = self.cleaned_data["email"], self.cleaned_data.get("password1")
        confirmation.note_address(request, email)  # also where it is too early for a mail
        if self.account_already_exists and password:
            make_password(password)
        try:
            with transaction.atomic():
                return super().try_save(request)  # type: ignore[misc, no-any-return]
        except IntegrityError:
            twin = User.objects.filter(email__iexact=email).first()
            if twin is None:
                raise
        if password and twin.check_password(password):
            # The same form, sent twice: the mail is on its way, and either answer leads on.
            return twin, None
        self.account_already_exists = True
        return super().try_save(request)  # type: ignore[misc, no-any-return]


class SignUpForm(_OneAccount, forms.SignupForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = _GOOD_PASSWORD


class SocialSignUpForm(_OneAccount, SocialSignupForm):  # type: ignore[misc]
    """The form of somebody whose provider has not told enough."""


class AddEmailForm(forms.AddEmailForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "New email address"


class ChangePasswordForm(forms.ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Current password"
        _word_new_password(self)


class SetPasswordForm(forms.SetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word_new_password(self)


class ResetPasswordKeyForm(forms.ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word_new_password(self)


class DisconnectForm(SocialDisconnectForm):  # type: ignore[misc]
    """The form of the page of connected services, which is a 404 where there can be none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.accounts and not get_adapter().list_providers(self.request):
            raise Http404("No service to sign in with is configured.")


def _word_new_password(form: Any) -> None:
    form.fields["password1"].label = "New password"
    form.fields["password1"].help_text = _GOOD_PASSWORD
    form.fields["password2"].label = _AGAIN
