"""The SQL of holds and their settlement, for many calls at a time.

The gateway's writer composes these with the SQL of keys and usage into one transaction. The
wallets' row locks, taken first and in id order, guard everything that follows: all changes to a
wallet's holds happen under them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection

from billing.statements import Rows, Statement, array, json


@dataclass(slots=True)
class LockedWallet:
    """An api wallet under lock; the caller moves the numbers, `write_wallets` stores them."""

    id: int
    workspace_id: int
    posted: int
    held: int
    seq: int
    is_frozen: bool

    @property
    def available(self) -> int:
        """Credits that can be held now."""
        return self.posted - self.held


class NewHold(msgspec.Struct, frozen=True):
    """A hold to be opened."""

    wallet_id: int
    id: UUID
    key_id: int | None
    source: str
    amount: int
    accepted_at: datetime


class StoredHold(NamedTuple):
    """A hold as the database has it."""

    wallet_id: int
    id: UUID
    amount: int
    state: str
    actual: int | None


class ClosedHold(msgspec.Struct, frozen=True):
    """How a hold ends: settled with what was charged, or void with None."""

    wallet_id: int
    id: UUID
    actual: int | None


class UsageEntry(msgspec.Struct, frozen=True):
    """A ledger entry of kind usage; `amount` is what leaves the wallet, as a positive number."""

    wallet_id: int
    seq: int
    amount: int
    balance_after: int
    reference: str


_LOCK_WALLETS = b"""
SELECT id, workspace_id, posted, held, seq, frozen_at IS NOT NULL FROM billing_wallet
WHERE pool = 'api' AND workspace_id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"""

_READ_HOLDS = b"""
SELECT wallet_id, id, amount, state, actual FROM billing_hold WHERE id = ANY($1::uuid[])
AND wallet_id = ANY(ARRAY(SELECT id FROM billing_wallet
    WHERE pool = 'api' AND workspace_id = ANY($2::bigint[])))"""

_OPEN_HOLDS = b"""
INSERT INTO billing_hold (wallet_id, id, key_id, source, amount, accepted_at, owner)
SELECT wallet_id, id, key_id, source, amount, accepted_at, $1::bigint
FROM json_to_recordset($2::json) AS hold (wallet_id bigint, id uuid, key_id bigint,
    source text, amount bigint, accepted_at timestamptz)"""

_CLOSE_HOLDS = b"""
UPDATE billing_hold AS hold SET actual = closed.actual, closed_at = now(),
    state = CASE WHEN closed.actual IS NULL THEN 'void' ELSE 'settled' END
FROM json_to_recordset($1::json) AS closed (wallet_id bigint, id uuid, actual bigint)
WHERE hold.wallet_id = closed.wallet_id AND hold.id = closed.id"""

_APPEND_USAGE = b"""
INSERT INTO billing_ledgerentry (wallet_id, seq, kind, amount, balance_after, reference)
SELECT wallet_id, seq, 'usage', -amount, balance_after, reference
FROM json_to_recordset($1::json) AS entry
    (wallet_id bigint, seq bigint, amount bigint, balance_after bigint, reference text)"""

_WRITE_WALLETS = b"""
UPDATE billing_wallet AS wallet SET posted = moved.posted, held = moved.held, seq = moved.seq
FROM json_to_recordset($1::json) AS moved (id bigint, posted bigint, held bigint, seq bigint)
WHERE wallet.id = moved.id"""


def lock_wallets(workspace_ids: Iterable[int]) -> Statement:
    """Lock the api wallets of these workspaces; `wallets_in` reads the answer."""
    return Statement(_LOCK_WALLETS, (array(workspace_ids),))


def wallets_in(rows: Rows) -> dict[int, LockedWallet]:
    """Return the wallets by workspace id."""
    return {row[1]: LockedWallet(*row) for row in rows}


def read_holds(workspace_ids: Iterable[int], hold_ids: Iterable[UUID]) -> Statement:
    """Ask which of these holds exist; lock the wallets first. `holds_in` reads the answer."""
    return Statement(_READ_HOLDS, (array(hold_ids), array(workspace_ids)))


def holds_in(rows: Rows) -> dict[UUID, StoredHold]:
    """Return the holds by id."""
    return {row[1]: StoredHold(*row) for row in rows}


def open_holds(holds: Sequence[NewHold], *, owner: int) -> Statement:
    """Write new open holds."""
    return Statement(_OPEN_HOLDS, (b"%d" % owner, json(holds)))


def close_holds(holds: Iterable[ClosedHold]) -> Statement:
    """Mark holds settled or void. The caller has read them under the wallets' locks."""
    return Statement(_CLOSE_HOLDS, (json(holds),))


def append_usage(entries: Sequence[UsageEntry]) -> Statement:
    """Append usage entries to the ledger."""
    return Statement(_APPEND_USAGE, (json(entries),))


def write_wallets(wallets: Iterable[LockedWallet]) -> Statement:
    """Store what the caller moved."""
    return Statement(_WRITE_WALLETS, (json(wallets),))


def owners_of_open_holds(connection: Connection[Any]) -> list[int]:
    """Return the processes that have open holds."""
    rows = connection.execute("SELECT DISTINCT owner FROM billing_hold WHERE state = 'open'")
    return [owner for (owner,) in rows]


def wallets_with_holds_of(connection: Connection[Any], *, owner: int) -> list[int]:
    """Return the wallets in which one process has open holds."""
    rows = connection.execute(
        "SELECT DISTINCT wallet_id FROM billing_hold WHERE state = 'open' AND owner = %s", [owner]
    )
    return [wallet_id for (wallet_id,) in rows]


def void_holds_of(connection: Connection[Any], *, owner: int, wallet_id: int) -> int:
    """Void every open hold of one process in a wallet, free what they held; return how many."""
    connection.execute("SELECT id FROM billing_wallet WHERE id = %s FOR UPDATE", [wallet_id])
    voided = connection.execute(
        "WITH closed AS (UPDATE billing_hold SET state = 'void', closed_at = now()"
        " WHERE state = 'open' AND owner = %(owner)s AND wallet_id = %(wallet_id)s"
        " RETURNING amount),"
        " freed AS (SELECT coalesce(sum(amount), 0) AS amount, count(*) AS holds FROM closed),"
        " written AS (UPDATE billing_wallet SET held = held - freed.amount FROM freed"
        " WHERE billing_wallet.id = %(wallet_id)s)"
        " SELECT holds FROM freed",
        {"owner": owner, "wallet_id": wallet_id},
    )
    [count] = voided.fetchone() or (0,)
    return int(count)
