"""A start like that of `bin/up`, with given children instead of the product's.

`python -m tests.embedded.start DATA_DIR ROWS`, with ROWS as JSON: name, command, `ready_file` (the
child counts as ready once it exists), `stop_window_s`, `start_window_s`, and `replaceable` for a
child that sends notices.
"""

import json
import os
import sys
from functools import partial
from pathlib import Path

from embedded.errors import EmbeddedError, StopRequested
from embedded.orphans import ChildRegistry
from embedded.stop_signals import StopSignals
from embedded.subprocesses import Child
from embedded.supervisor import Supervisor
from embedded.terminal import print_error, print_line


def main() -> int:
    data_dir = Path(sys.argv[1])
    signals = StopSignals(restarts_on_hangup=True)
    ChildRegistry(data_dir).end_orphans()
    supervisor = Supervisor(signals=signals, data_dir=data_dir, log_dir=data_dir / "log")
    try:
        for row in json.loads(sys.argv[2]):
            supervisor.start(_child(row))
        supervisor.await_all()
        print_line("ready")
        supervisor.watch()
    except StopRequested:
        return 0
    except EmbeddedError as error:
        print_error(str(error))
        return 1
    finally:
        supervisor.stop()
    return 0


def _child(row: dict[str, str]) -> Child:
    ready_file = row.get("ready_file")
    return Child(
        name=row["name"],
        title=f"the {row['name']}",
        command=("sh", "-c", row["command"]),
        env=os.environ,
        is_ready=partial(os.path.exists, ready_file) if ready_file else None,
        stop_window_s=float(row.get("stop_window_s", "60")),
        start_window_s=float(row.get("start_window_s", "60")),
        is_replaceable=bool(row.get("replaceable")),
    )


if __name__ == "__main__":
    sys.exit(main())
