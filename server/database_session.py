"""The options of Django's PostgreSQL sessions, in web processes, workers and commands.

The gateway's own are in gateway/metering/connections.py. A session here that keeps a wallet locked
for longer than those wait makes the ledger unavailable to the gateway.
"""

from collections.abc import Mapping
from typing import Any

# A server that vanished without closing is noticed within seconds, not after 15 minutes.
_NETWORK = {
    # Per host of the address, so that one that vanished does not delay the next one for minutes.
    "connect_timeout": 2,  # seconds; libpq accepts no smaller number
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,  # ms
}
# The same for the server's side: this process vanished, or was suspended inside a transaction. Code
# that must wait inside a transaction declares it, see billing/external_wait.py.
_SESSION = (
    "-c idle_in_transaction_session_timeout=3s"
    " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3"
)


def options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a database's OPTIONS: ours, and over them those that its address brings."""
    session = f"{_SESSION} {given.get('options', '')}".strip()
    return {**_NETWORK, **given, "options": session}
