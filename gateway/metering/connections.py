"""How the gateway connects to PostgreSQL; metering goes straight to it, since session locks do not
pass a pooler."""

from typing import Any

import psycopg

CONNECTION_LOST = (psycopg.OperationalError, psycopg.InterfaceError)
# Classes of errors that say nothing of the operation: PostgreSQL is read-only (as it is after a
# failover, or when its disk is full), or our statement, the function, its tables or our rights in
# them are not what they were. All that may be mended, and then what is refused now is taken.
_NOT_NOW = ("0A", "25", "26", "3F", "42")

CONNECT: dict[str, Any] = {
    "autocommit": True,
    "client_encoding": "utf8",  # or what a role is given, which wire.py would not know
    "connect_timeout": 2,  # seconds; libpq knows no smaller number
    # A server that vanished without a word is noticed within seconds, idle or in mid-talk.
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,  # ms
}
# The same the other way round: what the server does about us when we vanish, or are stopped between
# two statements of a transaction and keep others from the wallets we have locked. And no statement
# waits for ever: a batch that somebody keeps from one of its wallets is given up. For all calls of
# this process the ledger then counts as away until that wallet is free.
#
# Rows are found by their keys and in no other way. PostgreSQL would plan for the young, empty table
# that it knows, and read all of it for every batch until autovacuum has counted it. And the plan is
# made once: it would plan anew for arrays that are shorter than it guesses, which most are.
#
# And whatever else the role is given: under more isolation than this a statement that waited for a
# wallet's lock would not see the revocation that it waited for; where waiting or being idle ends a
# session, each time the ledger would count as away; and a charge that is told must be on the disk.
_SESSION = """
SELECT set_config('enable_seqscan', 'off', false),
    set_config('plan_cache_mode', 'force_generic_plan', false),
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
    """Connect, under a name that pg_stat_activity shows; raises one of CONNECTION_LOST."""
    connection = psycopg.connect(conninfo, application_name=f"caicaini-{name}", **CONNECT)
    # psycopg is to prepare nothing by itself: having done so it deallocates everything after a
    # rollback, the writer's own statement included.
    connection.prepare_threshold = None
    try:
        connection.execute(_SESSION)
    except BaseException:
        connection.close()
        raise
    return connection


def is_unavailable(error: Exception) -> bool:
    """Whether the ledger takes nothing at the moment, whatever it is asked; otherwise it is the
    operation that it does not take."""
    if isinstance(error, CONNECTION_LOST):
        return True
    return isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_NOT_NOW)


def first_line(error: Exception) -> str:
    """Return an error's words without the lines that follow; some have none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
