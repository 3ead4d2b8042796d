"""Ends the orphans of a start that was killed with -9: processes that it left running.

`DATA_DIR/children.json` holds the process id *and* the creation time of every child, so that a
process id which the system has since reused is never signalled. Workers whose master was killed are
found by CHILD_OF in their environment, which holds the data folder.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import psutil

CHILD_OF = "CAICAINI_CHILD_OF"
# Short: the orphans serve nobody any more, and the user waits for the new start.
_STOP_WINDOW_S = 5
# The kernel counts in ticks of 10 ms, and the clock may be corrected in between.
_SAME_MOMENT_S = 1.0


class ChildRecord(msgspec.Struct, frozen=True):
    """A child's entry in the file."""

    name: str
    pid: int
    born_at: float
    stop_signal: int


class ChildRegistry:
    """The file that lists the children of this start."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / "children.json"
        self._children: dict[str, ChildRecord] = {}

    def add(self, *, name: str, pid: int, stop_signal: int) -> None:
        """Record a child; a restarted one replaces its predecessor.

        A full disk must not end the start: CHILD_OF finds the child, too.
        """
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            born_at = psutil.Process(pid).create_time()
            self._children[name] = ChildRecord(name, pid, born_at, stop_signal)
            draft = self._path.with_suffix(".draft")
            draft.write_bytes(msgspec.json.encode(list(self._children.values())))
            draft.replace(self._path)

    def clear(self) -> None:
        """Delete the file, once all children have ended."""
        self._path.unlink(missing_ok=True)

    def end_orphans(self) -> int:
        """End the processes of an earlier start, newest first; return how many there were."""
        masters = list(reversed(list(self._recorded())))
        for process, stop_signal in masters:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(stop_signal)
        unstopped = await_end([process for process, _ in masters], within_s=_STOP_WINDOW_S)
        # Workers without a master have nothing to finish: they get no time to stop.
        workers = [process for process in _marked(self._data_dir) if process not in unstopped]
        for process in (*unstopped, *workers):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        await_end([*unstopped, *workers], within_s=_STOP_WINDOW_S)
        self.clear()
        return len(masters) + len(workers)

    def _recorded(self) -> Iterator[tuple[psutil.Process, int]]:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            for child in msgspec.json.decode(self._path.read_bytes(), type=list[ChildRecord]):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process = psutil.Process(child.pid)
                    if runs(process) and _is_same(process, child):
                        yield process, child.stop_signal


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


def _marked(data_dir: Path) -> Iterator[psutil.Process]:
    """Yield the running processes that a start on this data folder spawned, directly or not."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or not runs(process):
                continue
            if process.environ().get(CHILD_OF) == str(data_dir):
                yield process
