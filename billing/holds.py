"""The SQL of holds and their settlement, for many calls at a time.

The gateway's writer composes these with the SQL of keys and usage into one transaction. Those that
ask return a function that waits for the answer: in a pipeline, several questions are under way
before the first answer is waited for. The wallets' row locks, taken first and in id order, guard
everything that follows: all changes to a wallet's holds happen under them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection


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


def lock_wallets(
    connection: Connection[Any], workspace_ids: Iterable[int]
) -> Callable[[], dict[int, LockedWallet]]:
    """Lock the api wallets of these workspaces; the answer has them by workspace id."""
    cursor = connection.cursor(binary=True)
    cursor.execute(
        "SELECT id, workspace_id, posted, held, seq, frozen_at IS NOT NULL FROM billing_wallet"
        " WHERE pool = 'api' AND workspace_id = ANY(%s) ORDER BY id FOR UPDATE",
        [list(workspace_ids)],
    )
    return lambda: {row[1]: LockedWallet(*row) for row in cursor}


def read_holds(
    connection: Connection[Any], workspace_ids: Iterable[int], hold_ids: Iterable[UUID]
) -> Callable[[], dict[UUID, StoredHold]]:
    """Ask which of these holds exist; the answer has them by id. Lock the wallets first."""
    cursor = connection.cursor(binary=True)
    cursor.execute(
        "SELECT wallet_id, id, amount, state, actual FROM billing_hold WHERE id = ANY(%s)"
        " AND wallet_id = ANY(ARRAY(SELECT id FROM billing_wallet"
        " WHERE pool = 'api' AND workspace_id = ANY(%s)))",
        [list(hold_ids), list(workspace_ids)],
    )
    return lambda: {row[1]: StoredHold(*row) for row in cursor}


def open_holds(connection: Connection[Any], *, owner: int, holds: Sequence[NewHold]) -> None:
    """Write new open holds."""
    connection.execute(
        "INSERT INTO billing_hold (wallet_id, id, key_id, source, amount, accepted_at, owner)"
        " SELECT wallet_id, id, key_id, source, amount, accepted_at, %s"
        " FROM json_to_recordset(%s::json) AS hold (wallet_id bigint, id uuid, key_id bigint,"
        " source text, amount bigint, accepted_at timestamptz)",
        [owner, _as_json(holds)],
    )


def close_holds(connection: Connection[Any], holds: Sequence[ClosedHold]) -> None:
    """Mark holds settled or void. The caller has read them under the wallets' locks."""
    connection.execute(
        "UPDATE billing_hold AS hold SET actual = closed.actual, closed_at = now(),"
        " state = CASE WHEN closed.actual IS NULL THEN 'void' ELSE 'settled' END"
        " FROM json_to_recordset(%s::json) AS closed (wallet_id bigint, id uuid, actual bigint)"
        " WHERE hold.wallet_id = closed.wallet_id AND hold.id = closed.id",
        [_as_json(holds)],
    )


def append_usage(connection: Connection[Any], entries: Sequence[UsageEntry]) -> None:
    """Append usage entries to the ledger."""
    connection.execute(
        "INSERT INTO billing_ledgerentry"
        " (wallet_id, seq, kind, amount, balance_after, reference)"
        " SELECT wallet_id, seq, 'usage', -amount, balance_after, reference"
        " FROM json_to_recordset(%s::json) AS entry"
        " (wallet_id bigint, seq bigint, amount bigint, balance_after bigint, reference text)",
        [_as_json(entries)],
    )


def write_wallets(connection: Connection[Any], wallets: Sequence[LockedWallet]) -> None:
    """Store what the caller moved."""
    connection.execute(
        "UPDATE billing_wallet AS wallet"
        " SET posted = moved.posted, held = moved.held, seq = moved.seq"
        " FROM json_to_recordset(%s::json)"
        " AS moved (id bigint, posted bigint, held bigint, seq bigint)"
        " WHERE wallet.id = moved.id",
        [_as_json(wallets)],
    )


def _as_json(rows: Sequence[Any]) -> str:
    """Encode rows for json_to_recordset.

    One JSON parameter rather than an array for each column: psycopg takes longer to write the
    arrays than PostgreSQL takes to store the rows.
    """
    return msgspec.json.encode(rows).decode()


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
