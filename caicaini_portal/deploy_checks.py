"""`manage.py check --deploy`: the settings that production needs and that are not set."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from caicaini_portal.file_mail_backend import is_mail_written_to_files

_PUBLIC_URL_ID = "caicaini_portal.W001"
_EMAIL_URL_ID = "caicaini_portal.W002"
_SERVER_ID = "caicaini_portal.W003"
_TEST_MODE_ID = "caicaini_portal.W004"
_WEBHOOK_ID = "caicaini_portal.W005"


@register(Tags.security, deploy=True)
def check_production(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Name the settings left at a default that fits only a developer's machine."""
    found: list[CheckMessage] = []
    if not settings.PUBLIC_URL.startswith("https://"):
        reason = (
            "PUBLIC_URL is not an https:// address: links in mails and Stripe's return need it."
        )
        found.append(Warning(reason, id=_PUBLIC_URL_ID))
    if is_mail_written_to_files():
        found.append(Warning("EMAIL_URL is not set: mails are written to files.", id=_EMAIL_URL_ID))
    if settings.STRIPE_SECRET_KEY and not settings.STRIPE_LIVEMODE:
        reason = "STRIPE_SECRET_KEY is of test mode: people would pay with test cards."
        found.append(Warning(reason, id=_TEST_MODE_ID))
    if settings.STRIPE_SECRET_KEY and not settings.STRIPE_WEBHOOK_SECRETS:
        reason = "STRIPE_WEBHOOK_SECRETS is not set: every event of Stripe's is refused."
        found.append(Warning(reason, id=_WEBHOOK_ID))
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not getattr(settings, name)]
    return found + [Warning(f"{name} is not set.", id=_SERVER_ID) for name in missing]
