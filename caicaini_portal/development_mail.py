"""The mails that development writes to files instead of sending: listed and read in the browser."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import public
from web.http import render_page

_FILE_BACKEND = "caicaini_portal.file_mail_backend.EmailBackend"
_NEWEST = 50


class KeptMail(NamedTuple):
    """A mail as the page shows it; `name` is its file."""

    name: str
    sent_at: datetime
    to: str
    subject: str
    text: str


@public
@require_safe
@never_cache
def mailbox(request: HttpRequest) -> HttpResponse:
    """List the newest mails. Does not exist in production."""
    mails = [_read(path) for path in _newest_files()]
    return render_page(request, "development/mailbox.html", {"mails": mails})


@public
@require_safe
@never_cache
def one_mail(request: HttpRequest, name: str) -> HttpResponse:
    """Show one mail with its links. Does not exist in production."""
    path = next((path for path in _newest_files() if path.name == name), None)
    if path is None:
        raise Http404("There is no such mail.")
    return render_page(request, "development/one_mail.html", {"mail": _read(path)})


def is_mail_kept() -> bool:
    """Whether mails go to files that this page may show."""
    return bool(settings.DEVELOPMENT and settings.EMAIL_BACKEND == _FILE_BACKEND)


def _newest_files() -> list[Path]:
    if not is_mail_kept():
        raise Http404("Mails are really sent here.")
    # The names begin with the time.
    return sorted(Path(settings.EMAIL_FILE_PATH).glob("*.log"), reverse=True)[:_NEWEST]


def _read(path: Path) -> KeptMail:
    raw = path.read_bytes()
    message = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    body = message.get_body(("plain",))
    return KeptMail(
        name=path.name,
        sent_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        to=message["To"] or "",
        subject=message["Subject"] or "",
        text=body.get_content() if body else "",
    )
