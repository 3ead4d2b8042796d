"""Plain SQL for the event loop: balances, the demo, and the holds that ended processes left open.

Running processes make and end theirs with the function in gateway/metering/sql/.
"""

from typing import Any, NamedTuple

from psycopg import AsyncConnection, Connection

_API_BALANCE = (
    "SELECT posted - held, held, posted, owed FROM billing_wallet"
    " WHERE workspace_id = %s AND pool = 'api'"
)

_DEMO_WORKSPACE = (
    "SELECT wallet.workspace_id FROM billing_demowallet AS demo"
    " JOIN billing_wallet AS wallet ON wallet.id = demo.wallet_id"
)


class Balance(NamedTuple):
    """A wallet's credits; `available` is what is posted and not held."""

    available: int
    held: int
    posted: int
    owed: int


async def api_balance(connection: AsyncConnection[Any], *, workspace_id: int) -> Balance:
    """Return the balance of a workspace's api wallet; all zero before its wallet exists."""
    cursor = await connection.execute(_API_BALANCE, [workspace_id])
    row = await cursor.fetchone()
    return Balance(*(row or (0, 0, 0, 0)))


async def demo_workspace_id(connection: AsyncConnection[Any]) -> int | None:
    """Return the workspace that pays for visitors' runs; None before its wallet is first filled."""
    row = await (await connection.execute(_DEMO_WORKSPACE)).fetchone()
    return row[0] if row else None


def owners_of_open_holds(connection: Connection[Any]) -> list[int]:
    """Return the processes that have open holds."""
    rows = connection.execute("SELECT DISTINCT owner FROM billing_hold WHERE state = 'open'")
    return [owner for (owner,) in rows]


def wallets_with_holds_of(connection: Connection[Any], *, owner: int) -> list[int]:
    """Return the wallets in which one process has open holds."""
    rows = connection.execute(
        "SELECT DISTINCT wallet_id FROM billing_hold WHERE state = 'open' AND owner = %s"
        " ORDER BY wallet_id",
        [owner],
    )
    return [wallet_id for (wallet_id,) in rows]


def void_holds_of(connection: Connection[Any], *, owner: int, wallet_id: int) -> int:
    """Void every open hold of one process in a wallet and free its credits; return how many."""
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
