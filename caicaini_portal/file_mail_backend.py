"""The mail backend of development: writes each mail to a file of its own, named by its time."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage


class EmailBackend(BaseEmailBackend):
    """Writes mails under EMAIL_FILE_PATH. Django's own puts two mails of one second in one file."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write them; return how many."""
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}.log"
            (folder / name).write_bytes(message.message().as_bytes())
        return len(email_messages)


def is_mail_written_to_files() -> bool:
    """Whether this backend is the one in use."""
    return f"{__name__}.{EmailBackend.__qualname__}" == settings.EMAIL_BACKEND
