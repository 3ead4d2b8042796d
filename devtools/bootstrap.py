"""Installs a command's packages, then replaces itself by that command. Standard library only.

It runs on a bare Python, from a clone where nothing is installed yet. It installs into `.venv` and
`node_modules`.
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
from embedded.stop_signals import STOP, set_stop_handler
from embedded.terminal import print_error, print_line

PROJECT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Install, then replace this process by the command; return only on failure or a stop."""
    command, *rest = arguments
    if command == "bench":
        benchmarks.parse(rest)
    data_dir = Path(os.environ.get("DATA_DIR") or PROJECT / ".local")
    try:
        set_stop_handler(_stop)
        with _install_lock():
            _install(command, Installers(PROJECT, log=data_dir / "log" / "install.log"))
        _exec(command, rest)
    except StopRequested:
        print_line("Stopped.")
        return 0 if command == "up" else 130
    except EmbeddedError as error:
        print_error(str(error))
    except OSError as error:
        print_error(failure_causes.sentence_for(error))
    return 1


def _install(command: str, installers: Installers) -> None:
    packages.install_python(installers, with_tools=command != "up")
    if command == "check":
        return
    packages.install_node(installers, with_tools=command in {"test", "docs"})
    packages.make_bundles(installers)
    if command == "test":
        packages.install_clients(installers)
        chromium.install(installers)


def _exec(command: str, arguments: list[str]) -> None:
    """Replace this process, so that its parent has the process id of the command itself.

    Stop signals stay blocked until the command has its own handlers.
    """
    if command != "check":
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    python = packages.python_of(PROJECT)
    os.execv(python, [str(python), "-m", "devtools", command, *arguments])  # noqa: S606 (no shell wanted)


@contextmanager
def _install_lock() -> Iterator[None]:
    """Let one command at a time install. The lock is on the project folder, not on a file."""
    folder = os.open(PROJECT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print_line("Waiting for another command that is installing.")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise StopRequested


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
