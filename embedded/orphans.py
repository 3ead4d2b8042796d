"""Ends the orphans of a start that was killed with -9: processes that it left running.

`DATA_DIR/children.json` holds the process id *and* the creation time of every child, so that a
process id which the system has since reused is never signalled. Workers whose master was killed are
found by CHILD_OF in their environment, which holds the data folder.

An orphaned web process may still answer running calls. So each orphan is asked to stop and gets the
window that its supervisor would have given it.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

CHILD_OF = "CAICAINI_CHILD_OF"
STOP_WINDOW_S = "CAICAINI_STOP_WINDOW_S"
_DEFAULT_STOP_WINDOW_S = 5.0
_KILL_WINDOW_S = 5.0
_REPORT_AFTER_S = 1.0
# The kernel counts in ticks of 10 ms, and the clock may be corrected in between.
_SAME_MOMENT_S = 1.0


class ChildRecord(msgspec.Struct, frozen=True):
    """A child's entry in the file."""

    name: str
    pid: int
    born_at: float
    stop_signal: int
    stop_window_s: float = _DEFAULT_STOP_WINDOW_S


class Orphan(NamedTuple):
    """A process that an earlier start left, and how it stops."""

    process: psutil.Process
    stop_signal: int
    stop_window_s: float


class ChildRegistry:
    """The file that lists the children of this start."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / "children.json"
        self._children: dict[int, ChildRecord] = {}

    def add(self, *, name: str, pid: int, stop_signal: int, stop_window_s: float) -> None:
        """Record a child.

        A full disk must not end the start: CHILD_OF finds the child, too.
        """
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            born_at = psutil.Process(pid).create_time()
            self._children[pid] = ChildRecord(name, pid, born_at, stop_signal, stop_window_s)
            self._write()

    def forget(self, pid: int) -> None:
        """Remove a child that has ended."""
        if self._children.pop(pid, None) is not None:
            with contextlib.suppress(OSError):
                self._write()

    def clear(self) -> None:
        """Delete the file, once all children have ended."""
        self._path.unlink(missing_ok=True)

    def end_orphans(
        self,
        *,
        pause: Callable[[float], None] = time.sleep,
        report: Callable[[str], None] = lambda _: None,
    ) -> int:
        """End the processes of an earlier start, newest first; return how many there were.

        `report` is called with a line when that takes longer than a moment. `pause` may raise, to
        give up waiting: the orphans are then killed at once.
        """
        masters = list(reversed(list(self._recorded())))
        _stop(masters, pause=pause, report=report)
        workers = list(_marked(self._data_dir))
        _stop(workers, pause=pause, report=report)
        self.clear()
        return len(masters) + len(workers)

    def _write(self) -> None:
        draft = self._path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(list(self._children.values())))
        draft.replace(self._path)

    def _recorded(self) -> Iterator[Orphan]:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            for child in msgspec.json.decode(self._path.read_bytes(), type=list[ChildRecord]):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process = psutil.Process(child.pid)
                    if runs(process) and _is_same(process, child):
                        yield Orphan(process, child.stop_signal, child.stop_window_s)


def _stop(
    orphans: Sequence[Orphan], *, pause: Callable[[float], None], report: Callable[[str], None]
) -> None:
    """Ask all to stop, and kill each that still runs when its window is over."""
    for orphan in orphans:
        _signal(orphan, orphan.stop_signal)
    try:
        _await_windows(orphans, pause=pause, report=report)
    finally:
        for orphan in orphans:
            _signal(orphan, signal.SIGKILL)
        await_end([orphan.process for orphan in orphans], within_s=_KILL_WINDOW_S)


def _await_windows(
    orphans: Sequence[Orphan], *, pause: Callable[[float], None], report: Callable[[str], None]
) -> None:
    began = time.monotonic()
    is_reported = False
    while left := [orphan for orphan in orphans if runs(orphan.process)]:
        waited_s = time.monotonic() - began
        for orphan in left:
            if waited_s > orphan.stop_window_s:
                _signal(orphan, signal.SIGKILL)
        longest_s = max(orphan.stop_window_s for orphan in left)
        if waited_s > longest_s + _KILL_WINDOW_S:
            return
        if waited_s > _REPORT_AFTER_S and not is_reported:
            is_reported = True
            report(
                f"Waiting up to {longest_s:.0f} seconds for the calls that an earlier start left"
                " running."
            )
        pause(0.05)


def _signal(orphan: Orphan, number: int) -> None:
    """Send a signal, unless the process has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        orphan.process.send_signal(number)


def await_end(processes: Sequence[psutil.Process], *, within_s: float) -> list[psutil.Process]:
    """Wait until all have ended; return those that still run after `within_s`."""
    give_up_at = time.monotonic() + within_s
    while True:
        running = [process for process in processes if runs(process)]
        if not running or time.monotonic() > give_up_at:
            return running
        time.sleep(0.05)


def runs(process: psutil.Process) -> bool:
    """Whether it still runs. Without an init, a container keeps ended processes as zombies."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _is_same(process: psutil.Process, child: ChildRecord) -> bool:
    born_at: float = process.create_time()
    return abs(born_at - child.born_at) < _SAME_MOMENT_S


def _marked(data_dir: Path) -> Iterator[Orphan]:
    """Yield the running processes that a start on this data folder spawned, directly or not."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or not runs(process):
                continue
            environ = process.environ()
            if environ.get(CHILD_OF) == str(data_dir):
                yield Orphan(process, signal.SIGTERM, _window_s(environ))


def _window_s(environ: Mapping[str, str]) -> float:
    """Return the window that its supervisor noted in its environment."""
    with contextlib.suppress(KeyError, ValueError):
        return float(environ[STOP_WINDOW_S])
    return _DEFAULT_STOP_WINDOW_S
