"""`manage.py check --deploy`: what production needs and nobody has set."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

_PUBLIC_URL_ID = "caicaini_portal.W001"
_EMAIL_URL_ID = "caicaini_portal.W002"
_SERVER_ID = "caicaini_portal.W003"


@register(Tags.security, deploy=True)
def check_production(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Name the defaults that fit a developer's machine and no other."""
    found: list[CheckMessage] = []
    if not settings.PUBLIC_URL.startswith("https://"):
        reason = (
            "PUBLIC_URL is not an https:// address: links in mails and Stripe's way back need it."
        )
        found.append(Warning(reason, id=_PUBLIC_URL_ID))
    if settings.EMAIL_BACKEND.endswith("kept_mail.EmailBackend"):
        found.append(Warning("EMAIL_URL is not set: mails go to files.", id=_EMAIL_URL_ID))
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not getattr(settings, name)]
    return found + [Warning(f"{name} is not set.", id=_SERVER_ID) for name in missing]
