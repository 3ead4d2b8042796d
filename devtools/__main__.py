"""`python -m devtools up | test | bench | docs | check`, as the commands in bin/ call it."""

import contextlib
import os
import sys
import traceback
from pathlib import Path

from devtools.check import check
from devtools.suite import bench, docs, suite
from devtools.up import up
from embedded import failure_causes
from embedded.errors import EmbeddedError
from embedded.terminal import print_error

_COMMANDS = {"up": up, "test": suite, "bench": bench, "docs": docs, "check": check}


def main(arguments: list[str]) -> int:
    """Run a command; print an error that the user can fix as one sentence, without a traceback."""
    command, *rest = arguments
    try:
        return _COMMANDS[command](rest)
    except EmbeddedError as error:
        print_error(str(error))
    except OSError as error:
        print_error(failure_causes.sentence_for(error))
        _log_traceback()
    return 1


def _log_traceback() -> None:
    """Write the traceback to the log folder, if it exists and can be written to."""
    log_dir = Path(os.environ.get("DATA_DIR") or ".local").absolute() / "log"
    with contextlib.suppress(OSError), (log_dir / "errors.log").open("a") as log:
        traceback.print_exc(file=log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
