"""Waiting for somebody outside, Stripe or a mail server, in the middle of a transaction.

A transaction that idles for seconds is ended, lest a process that was stopped in it keeps a wallet
locked. Some rows have to stay locked while somebody outside is asked; wallets never have.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def waiting_outside() -> Iterator[None]:
    """Let the transaction idle for two minutes at a time in the block; no wallet may be locked."""
    _set_idle_limit("'2min'")
    yield
    _set_idle_limit("DEFAULT")  # of the session; where the block raises, the roll-back sees to it


def _set_idle_limit(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout TO {value}")
