"""Charged calls at any moment: a request record and its ledger entry, without a gateway."""

from datetime import datetime

from django.db import transaction

from billing.ledger import posting
from billing.models import EntryKind
from tests.support.books import Books
from tests.support.request_records import a_record, write


@transaction.atomic
def charge(books: Books, credits: int, at: datetime, *, key_id: int | None = None) -> None:
    """Settle a call that was accepted at a moment."""
    source = "api" if key_id else "console"
    record = a_record(books.workspace, at=at, credits=credits, key_id=key_id, source=source)
    write(record)
    posting.post(
        wallet_id=books.wallet_id, kind=EntryKind.USAGE, amount=-credits, reference=str(record.id)
    )
