"""What Django's sessions with PostgreSQL are like, in web processes, workers and commands alike.

The gateway's own are in gateway/metering/connections.py: whoever keeps a wallet locked for longer
than these wait takes the ledger away from them.
"""

from collections.abc import Mapping
from typing import Any

# A server that vanished without a word is noticed within seconds, not after a quarter of an hour.
_NETWORK = {
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,  # ms
}
# The same the other way round, for the server: we vanished, or were stopped between two statements
# of a transaction. Whoever has to wait inside one says so, see billing/external_wait.py.
_SESSION = (
    "-c idle_in_transaction_session_timeout=3s"
    " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3"
)


def options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a database's OPTIONS: ours, and over them those that its address brings."""
    session = f"{_SESSION} {given.get('options', '')}".strip()
    return {**_NETWORK, **given, "options": session}
