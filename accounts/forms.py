"""allauth's forms with our labels: sentence case, and one line on password rules."""

from typing import Any

from allauth.account import forms
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.forms import DisconnectForm as SocialDisconnectForm
from django.http import Http404

_GOOD_PASSWORD = "At least 10 characters, and not one that is easy to guess."  # noqa: S105
_AGAIN = "New password, once more"


class SignUpForm(forms.SignupForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = _GOOD_PASSWORD


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
