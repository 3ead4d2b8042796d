"""Pages that show the mails which development writes to files instead of sending."""

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
from caicaini_portal.file_mail_backend import is_mail_written_to_files
from web.http import render_page

_NEWEST = 50


class StoredMail(NamedTuple):
    """A mail as the page shows it; `name` is its file's name."""

    name: str
    sent_at: datetime
    to: str
    subject: str
    text: str


@public
@require_safe
@never_cache
def mailbox(request: HttpRequest) -> HttpResponse:
    """List the newest mails; 404 in production."""
    mails = [_read(path) for path in _newest_files()]
    return render_page(request, "development/mailbox.html", {"mails": mails})


@public
@require_safe
@never_cache
def one_mail(request: HttpRequest, name: str) -> HttpResponse:
    """Show one mail with its links; 404 in production."""
    path = next((path for path in _newest_files() if path.name == name), None)
    if path is None:
        raise Http404("There is no such mail.")
    return render_page(request, "development/one_mail.html", {"mail": _read(path)})


def has_mailbox() -> bool:
    """Whether mails are written to files and these pages may show them."""
    return bool(settings.DEVELOPMENT and is_mail_written_to_files())


def _newest_files() -> list[Path]:
    if not has_mailbox():
        raise Http404("Mails are sent here, or this is production.")
    # File names begin with the time.
    return sorted(Path(settings.EMAIL_FILE_PATH).glob("*.log"), reverse=True)[:_NEWEST]


def _read(path: Path) -> StoredMail:
    raw = path.read_bytes()
    message = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    body = message.get_body(("plain",))
    return StoredMail(
        name=path.name,
        sent_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        to=message["To"] or "",
        subject=message["Subject"] or "",
        text=body.get_content() if body else "",
    )
