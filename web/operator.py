"""Who runs this installation, and where people get help: the operator's settings."""

from typing import NamedTuple

from django.conf import settings


class Operator(NamedTuple):
    """What the operator has set; an empty text is not set."""

    name: str
    support_email: str
    support_url: str
    status_url: str


def operator() -> Operator:
    """Return the settings, which tests change."""
    return Operator(
        settings.OPERATOR_NAME,
        settings.SUPPORT_EMAIL,
        settings.SUPPORT_URL,
        settings.STATUS_URL,
    )
