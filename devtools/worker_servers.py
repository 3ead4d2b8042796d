"""A pytest plugin: gives each process of a parallel run the addresses of servers of its own.

pytest loads it before Django's settings are read, as `PYTEST_PLUGINS` names it; see `suite.py`.
"""

import json
import os
from collections.abc import Sequence

PLUGIN = __name__
# JSON: for each worker of pytest-xdist, the variables that hold its servers' addresses.
ADDRESSES = "TEST_WORKER_SERVERS"
_PLUGINS = "PYTEST_PLUGINS"
_WORKER = "PYTEST_XDIST_WORKER"


def variables(servers: Sequence[dict[str, str]]) -> dict[str, str]:
    """Return the variables with which each worker of a run uses its part of `servers`."""
    return {_PLUGINS: PLUGIN, ADDRESSES: json.dumps(servers)}


def _use_own_servers() -> None:
    worker = os.environ.get(_WORKER)  # gw0, gw1, …; unset in the process that only distributes
    if worker is not None:
        addresses = json.loads(os.environ[ADDRESSES])
        os.environ.update(addresses[int(worker.removeprefix("gw"))])
        # A test's children have the same servers, or others of the test's choice.
        del os.environ[_PLUGINS], os.environ[ADDRESSES]


_use_own_servers()
