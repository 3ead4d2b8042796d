"""Installs what a command needs, then becomes that command. Standard library only.

It runs on a bare Python, from a clone where nothing is installed yet; everything it installs goes
into `.venv` and `node_modules`.
"""

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from benchmarks import command_line as benchmarks
from devtools import chromium, packages
from devtools.installers import Installers
from embedded import failure_causes
from embedded.errors import EmbeddedError, StopRequested
from embedded.stop_signals import STOP, on_stop
from embedded.terminal import complain, say

PROJECT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Install, then run the command in this process's place; return only on failure or a stop."""
    command, *rest = arguments
    if command == "bench":
        benchmarks.parse(rest)
    data_dir = Path(os.environ.get("DATA_DIR") or PROJECT / ".local")
    try:
        on_stop(_stop)
        with _alone():
            _install(command, Installers(PROJECT, log=data_dir / "log" / "install.log"))
        _become(command, rest)
    except StopRequested:
        say("Stopped.")
        return 0 if command == "up" else 130
    except EmbeddedError as error:
        complain(str(error))
    except OSError as error:
        complain(failure_causes.sentence_for(error))
    return 1


def _install(command: str, installers: Installers) -> None:
    packages.install_python(installers, with_tools=command != "up")
    packages.install_node(installers, with_tools=command == "test")
    if command == "test":
        chromium.install(installers)


def _become(command: str, arguments: list[str]) -> None:
    """Replace this process, so that whoever started it holds the id of what runs.

    Signals that ask to stop wait until the command has its own handlers.
    """
    if command != "check":
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    python = packages.python_of(PROJECT)
    os.execv(python, [str(python), "-m", "devtools", command, *arguments])  # noqa: S606 (no shell wanted)


@contextmanager
def _alone() -> Iterator[None]:
    """Let one command at a time install; a lock on the folder itself leaves no file behind."""
    folder = os.open(PROJECT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another command that is installing.")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise StopRequested


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
