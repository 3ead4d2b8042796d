"""A child process: its command, its start and its stop."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from embedded.notices import PIPE, Notices

PROJECT = Path(__file__).resolve().parent.parent
_PR_SET_PDEATHSIG = 1
# Loaded here and not between fork and exec, where loading a library can deadlock.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Owner(NamedTuple):
    """The user that a child runs as when we are root and it must not be."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Child:
    """One process to supervise.

    `title` is for messages, `name` for the log file: children of one name share it, and are
    stopped together. `is_ready` is polled until it returns True; without it a child counts as ready
    once it runs. A stop sends `stop_signal`, then after `stop_window_s` SIGKILL to the whole
    process group. `final_signal` is sent in its place when no other process takes over.

    An `is_replaceable` child sends notices (`embedded/notices.py`) and can run beside its
    successor, for example because both have inherited the `descriptors`.
    """

    name: str
    title: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    is_ready: Callable[[], bool] | None = None
    owner: Owner | None = None
    cwd: Path = PROJECT
    stop_signal: signal.Signals = signal.SIGTERM
    final_signal: signal.Signals | None = None
    is_replaceable: bool = False
    descriptors: tuple[int, ...] = ()
    stop_window_s: float = 10
    start_window_s: float = 60


class Service(NamedTuple):
    """An embedded server, and the environment variables that tell other processes its address.

    If `is_needed_first`, it must answer before the product's own processes are started.
    """

    child: Child
    exports: Mapping[str, str]
    is_needed_first: bool


def spawn(
    child: Child,
    *,
    output: int | IO[bytes],
    mark: Mapping[str, str],
    notices: Notices | None = None,
) -> subprocess.Popen[bytes]:
    """Start the child in a session of its own, writing to `output`.

    Its own session keeps a Ctrl-C at the terminal from stopping it out of order. `mark` is added to
    its environment; its own children inherit it, so that all can be found by it.
    """
    pipe = (notices.writer,) if notices else ()
    where = {PIPE: str(notices.writer)} if notices else {}
    owner = child.owner or Owner(os.geteuid(), os.getegid())
    as_other_user = owner.uid != os.geteuid()
    return subprocess.Popen(
        child.command,
        cwd=child.cwd,
        env={**child.env, **mark, **where},
        pass_fds=(*child.descriptors, *pipe),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        user=owner.uid if as_other_user else None,
        group=owner.gid if as_other_user else None,
        extra_groups=[] if as_other_user else None,
        preexec_fn=end_with_parent(child.stop_signal),
    )


def end_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """Make Linux send the child its stop signal when we exit, even by SIGKILL.

    It runs after the change of user, which would reset it.
    """
    parent = os.getpid()

    def set_parent_death_signal() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
            if os.getppid() != parent:  # we exited before the call: the signal would never come
                os._exit(1)

    return set_parent_death_signal


def stop(process: subprocess.Popen[bytes], child: Child, *, wait: Callable[[float], bool]) -> None:
    """End the process and its group; `wait` sleeps and returns whether to kill at once."""
    send_signal(process, child.stop_signal)
    await_end([process], within_s=child.stop_window_s, wait=wait)


def send_signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal, unless the process has ended."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def await_end(
    processes: Sequence[subprocess.Popen[bytes]], *, within_s: float, wait: Callable[[float], bool]
) -> None:
    """Wait until all have ended, then kill what is left of them and their groups."""
    give_up_at = time.monotonic() + within_s
    while any(process.poll() is None for process in processes):
        if time.monotonic() >= give_up_at or wait(0.2):
            break
    for process in processes:
        kill_group(process)
        process.wait()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the rest of the child's process group, for example the workers of a killed master.

    The group's id stays reserved while the group has a member. Once it is empty there is nothing to
    end, and the system reuses the number only after it has gone through all its process ids.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
