"""How the gateway connects to PostgreSQL. Metering connects without a pooler, which would break
session locks."""

from typing import Any

import psycopg

from gateway.metering.bounded_connection import BoundedConnection

CONNECTION_LOST = (psycopg.OperationalError, psycopg.InterfaceError)
# SQLSTATE classes that do not concern the operation: PostgreSQL is read-only (after a failover, or
# with a full disk), or our statement, the function, its tables or our rights to them have changed.
# Once that is repaired, an operation that is rejected now is accepted.
_UNAVAILABLE = ("0A", "25", "26", "3F", "42")

CONNECT: dict[str, Any] = {
    "autocommit": True,
    "client_encoding": "utf8",  # a role's own setting would garble what pq_channel.py sends
    "connect_timeout": 2,  # seconds; libpq accepts no smaller number
    # A server that vanished is noticed within seconds, idle or during a statement.
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,  # ms
}
# The server's side. The keepalives and timeouts end our session when this process vanishes, or is
# stopped between two statements of a transaction while it has wallets locked. `statement_timeout`
# limits how long a batch waits for a locked wallet: after that the ledger counts as unavailable for
# all calls of this process, until that wallet is free.
#
# Rows are always found by their keys. Without these `enable_…` settings PostgreSQL plans for the
# small table that it has statistics of, and reads all of it for every batch until autovacuum runs.
#
# The others override what a role may have: under a stricter isolation, a statement that waited for
# a wallet's lock would not see the revocation that it waited for; a session that ends after waiting
# or idling makes the ledger unavailable each time; and a charge that a caller receives must be on
# disk.
_SESSION = """
SELECT set_config('enable_seqscan', 'off', false),
    set_config('enable_hashjoin', 'off', false),
    set_config('enable_mergejoin', 'off', false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('lock_timeout', '0', false),
    set_config('idle_session_timeout', '0', false),
    set_config('tcp_keepalives_idle', '5', false),
    set_config('tcp_keepalives_interval', '1', false),
    set_config('tcp_keepalives_count', '3', false),
    set_config('idle_in_transaction_session_timeout', '2s', false),
    set_config('statement_timeout', '5s', false),
    CASE WHEN current_setting('synchronous_commit') = 'off'
        THEN set_config('synchronous_commit', 'on', false) END
"""


def connect(conninfo: str, *, name: str) -> psycopg.Connection[Any]:
    """Connect, with a name for pg_stat_activity; raises one of CONNECTION_LOST."""
    connection = BoundedConnection.connect(conninfo, application_name=f"caicaini-{name}", **CONNECT)
    # psycopg must not prepare statements by itself: after a rollback it deallocates all of them,
    # the writer's own included.
    connection.prepare_threshold = None
    try:
        connection.execute(_SESSION)
    except BaseException:
        connection.close()
        raise
    return connection


def is_unavailable(error: Exception) -> bool:
    """Whether the ledger would reject any operation at the moment, and not just this one."""
    if isinstance(error, CONNECTION_LOST):
        return True
    return isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_UNAVAILABLE)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its class where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
