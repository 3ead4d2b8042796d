"""Checks all wallets in one snapshot, again and again, while other processes change them."""

import threading
from dataclasses import dataclass, field
from typing import Any

import psycopg

_EVERY_S = 0.1
_LOOKS_PER_LINE = 600
_WALLETS = "SELECT id, posted, held, seq FROM billing_wallet WHERE id = ANY(%s)"
_NEW_ENTRIES = """
SELECT entry.wallet_id, count(*), sum(entry.amount)
FROM unnest(%s::bigint[], %s::bigint[]) AS seen (wallet_id, seq)
JOIN billing_ledgerentry AS entry
    ON entry.wallet_id = seen.wallet_id AND entry.seq > seen.seq
GROUP BY entry.wallet_id"""
_OPEN_HOLDS = """
SELECT wallet_id, sum(amount) FROM billing_hold
WHERE state = 'open' AND wallet_id = ANY(%s) GROUP BY wallet_id"""


@dataclass
class _Seen:
    """A wallet's entries so far: how many, and their sum."""

    seq: int = 0
    posted: int = 0


@dataclass
class Observer:
    """Sums the entries itself, each once: at every look those that are new."""

    conninfo: str
    wallet_ids: list[int]
    looks: int = 0
    discrepancies: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._seen = {wallet_id: _Seen() for wallet_id in self.wallet_ids}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Observer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        with psycopg.connect(self.conninfo) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            while not self._done.wait(_EVERY_S):
                with connection.transaction():
                    self._look(connection)
                self.looks += 1
                if self.looks % _LOOKS_PER_LINE == 0:
                    entries = sum(seen.seq for seen in self._seen.values())
                    print(f"  … {self.looks:,} looks, {entries:,} entries", flush=True)

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        wallets = connection.execute(_WALLETS, [self.wallet_ids]).fetchall()
        last_seqs = [self._seen[wallet_id].seq for wallet_id in self.wallet_ids]
        for wallet_id, count, amount in connection.execute(
            _NEW_ENTRIES, [self.wallet_ids, last_seqs]
        ):
            seen = self._seen[wallet_id]
            seen.seq += count
            seen.posted += int(amount)
        held = {row[0]: int(row[1]) for row in connection.execute(_OPEN_HOLDS, [self.wallet_ids])}
        for wallet_id, posted, holding, seq in wallets:
            seen = self._seen[wallet_id]
            found = (posted, holding, seq)
            expected = (seen.posted, held.get(wallet_id, 0), seen.seq)
            if found != expected or not posted >= holding >= 0:
                self.discrepancies.append(
                    f"wallet {wallet_id} has (posted, held, seq) {found}, by its rows {expected}"
                )
