"""Mail servers that do not take a mail, for tests of what is sent again."""

from collections.abc import Sequence
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected

from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage


class UnavailableMailServer(BaseEmailBackend):
    """Ends every connection."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        raise SMTPServerDisconnected("gone")


class ChoosyMailServer(BaseEmailBackend):
    """Refuses the addresses that begin with "refused"."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for one in email_messages:
            if one.to[0].startswith("refused"):
                raise SMTPRecipientsRefused({one.to[0]: (550, b"no such mailbox")})
            mail.outbox.append(one)
        return len(email_messages)
