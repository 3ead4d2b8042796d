"""Our own rule for passwords, beside Django's."""

from django.core.exceptions import ValidationError

from accounts.models import User


class NotOnlySpacesValidator:
    """Refuses a password without a visible character: it looks empty, and is soon guessed."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError for one."""
        if not password.strip():
            raise ValidationError("A password needs more than spaces.", code="password_only_spaces")

    def get_help_text(self) -> str:
        """Return the rule as a sentence."""
        return "Your password can't be only spaces."
