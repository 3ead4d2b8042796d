"""A start as `bin/up` makes one, with the rows it is given instead of the product's.

`python -m tests.embedded.start DATA_DIR ROWS`, with ROWS as JSON: name, command, where the child
must answer before it counts as ready the file it makes, and how long it has to stop.
"""

import json
import os
import sys
from functools import partial
from pathlib import Path

from embedded.errors import EmbeddedError, StopRequested
from embedded.orphans import Register
from embedded.stop_signals import StopSignals
from embedded.subprocesses import Child
from embedded.supervisor import Supervisor
from embedded.terminal import complain, say


def main() -> int:
    data_dir = Path(sys.argv[1])
    signals = StopSignals()
    Register(data_dir).end_leftovers()
    supervisor = Supervisor(signals=signals, data_dir=data_dir, log_dir=data_dir / "log")
    try:
        for row in json.loads(sys.argv[2]):
            supervisor.start(_child(row))
        supervisor.await_all()
        say("ready")
        supervisor.watch()
    except StopRequested:
        return 0
    except EmbeddedError as error:
        complain(str(error))
        return 1
    finally:
        supervisor.stop()
    return 0


def _child(row: dict[str, str]) -> Child:
    sign = row.get("ready_file")
    return Child(
        name=row["name"],
        title=f"the {row['name']}",
        command=("sh", "-c", row["command"]),
        env=os.environ,
        is_ready=partial(os.path.exists, sign) if sign else None,
        stop_window_s=float(row.get("stop_window_s", "60")),
    )


if __name__ == "__main__":
    sys.exit(main())
