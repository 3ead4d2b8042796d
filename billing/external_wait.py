"""Waiting for an external service (Stripe, a mail server) inside a transaction.

A transaction that idles for seconds is ended, so that a process stopped in the middle of one cannot
keep a wallet locked. Some rows have to stay locked during an external call; wallets never do.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def external_wait() -> Iterator[None]:
    """Let the transaction idle for two minutes at a time in the block; no wallet may be locked."""
    _set_idle_limit("'2min'")
    yield
    _set_idle_limit("DEFAULT")  # the session's; when the block raises, the rollback restores it


def _set_idle_limit(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout TO {value}")
