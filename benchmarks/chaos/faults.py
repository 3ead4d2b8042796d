"""The faults that `bin/bench chaos` injects, by name. Kills are repaired by `ensure_running`."""

import random
import time
from collections.abc import Callable, Mapping

from benchmarks.chaos.processes import Processes

_LONGEST_PAUSE_S = 4.0


def table(processes: Processes) -> Mapping[str, Callable[[], None]]:
    """Return every fault; benchmarks/command_line.py lists their names."""
    postgres = processes.postgres
    return {
        "gateway": lambda: random.choice(processes.gateways).kill(),
        "worker": processes.worker.kill,
        "beat": processes.beat.kill,
        "backend": postgres.kill_backend,
        "postmaster": postgres.kill,
        "restart": postgres.restart,
        "valkey": processes.valkey.kill,
        "pause-gateway": lambda: random.choice(processes.gateways).pause(_moment_s()),
        "pause-worker": lambda: processes.worker.pause(_moment_s()),
        "pause-beat": lambda: processes.beat.pause(_moment_s()),
        "pause-backend": lambda: postgres.pause_backend(_moment_s()),
        "pause-postmaster": lambda: postgres.pause_postmaster(_moment_s()),
        "pause-postgres": lambda: postgres.pause(_moment_s()),
        "pause-valkey": lambda: processes.valkey.pause(_moment_s()),
        "start-without-postgres": lambda: _start_without_postgres(processes),
        "start-without-valkey": lambda: _start_without_valkey(processes),
    }


def _moment_s() -> float:
    return random.uniform(0.2, _LONGEST_PAUSE_S)


def _start_without_postgres(processes: Processes) -> None:
    """Start a web process, the worker and the scheduler while PostgreSQL is down."""
    with processes.postgres.stopped():
        for process in (random.choice(processes.gateways), processes.worker, processes.beat):
            process.kill()
            process.ensure_running()
        time.sleep(_moment_s())


def _start_without_valkey(processes: Processes) -> None:
    """The same while Valkey is down."""
    processes.valkey.kill()
    for process in (random.choice(processes.gateways), processes.worker, processes.beat):
        process.kill()
        process.ensure_running()
    time.sleep(_moment_s())
