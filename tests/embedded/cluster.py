"""Runs the PostgreSQL of a data folder until a stop signal.

`python -m tests.embedded.cluster DATA_DIR` prints its address once it answers.
"""

import sys
from pathlib import Path

from embedded import servers
from embedded.errors import EmbeddedError, StopRequested
from embedded.orphans import ChildRegistry
from embedded.stop_signals import StopSignals
from embedded.supervisor import Supervisor
from embedded.terminal import print_error, print_line


def main() -> int:
    data_dir = Path(sys.argv[1])
    signals = StopSignals()
    ChildRegistry(data_dir).end_orphans()
    supervisor = Supervisor(signals=signals, data_dir=data_dir, log_dir=data_dir / "log")
    try:
        rows = servers.table(
            supervisor,
            data_dir=data_dir,
            env={"REDIS_URL": "redis://elsewhere"},
            durable=False,
            with_model=False,
        )
        print_line(servers.bring_up(supervisor, rows, data_dir=data_dir)["DATABASE_URL"])
        supervisor.watch()
    except StopRequested:
        return 0
    except EmbeddedError as error:
        print_error(str(error))
        return 1
    finally:
        supervisor.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
