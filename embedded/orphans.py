"""Processes that a start which was killed with -9 left running, and how the next one ends them.

`DATA_DIR/children.json` names every child by process id *and* moment of birth, so that a process id
which the system has since given to a stranger is never signalled. Workers whose master is gone are
known by CHILD_OF in their environment, which holds the data folder.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import psutil

CHILD_OF = "CAICAINI_CHILD_OF"
# They lost whoever they worked for; a person waits for the start behind them.
_STOP_WINDOW_S = 5
# The kernel counts births in ticks of 10 ms and the clock may be corrected in between.
_SAME_MOMENT_S = 1.0


class Birth(msgspec.Struct, frozen=True):
    """A child as the file knows it."""

    name: str
    pid: int
    born_at: float
    stop_signal: int


class Register:
    """The file that names the children of this start."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / "children.json"
        self._births: dict[str, Birth] = {}

    def add(self, *, name: str, pid: int, stop_signal: int) -> None:
        """Note a child; a restarted one takes the place of the one before.

        A disk that is full must not end the start: CHILD_OF finds the child as well.
        """
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            born_at = psutil.Process(pid).create_time()
            self._births[name] = Birth(name, pid, born_at, stop_signal)
            draft = self._path.with_suffix(".draft")
            draft.write_bytes(msgspec.json.encode(list(self._births.values())))
            draft.replace(self._path)

    def clear(self) -> None:
        """Forget all children, once all have ended."""
        self._path.unlink(missing_ok=True)

    def end_leftovers(self) -> int:
        """End what an earlier start left behind, newest first; return how many that were."""
        masters = list(reversed(list(self._recorded())))
        for process, number in masters:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        stubborn = await_end([process for process, _ in masters], within_s=_STOP_WINDOW_S)
        # Without its master a worker is of no use, and waiting for it of none either.
        others = [process for process in _marked(self._data_dir) if process not in stubborn]
        for process in (*stubborn, *others):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        await_end([*stubborn, *others], within_s=_STOP_WINDOW_S)
        self.clear()
        return len(masters) + len(others)

    def _recorded(self) -> Iterator[tuple[psutil.Process, int]]:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            for birth in msgspec.json.decode(self._path.read_bytes(), type=list[Birth]):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process = psutil.Process(birth.pid)
                    if runs(process) and _is_same(process, birth):
                        yield process, birth.stop_signal


def await_end(processes: Sequence[psutil.Process], *, within_s: float) -> list[psutil.Process]:
    """Wait until all have ended; return those that have not in time."""
    give_up_at = time.monotonic() + within_s
    while True:
        running = [process for process in processes if runs(process)]
        if not running or time.monotonic() > give_up_at:
            return running
        time.sleep(0.05)


def runs(process: psutil.Process) -> bool:
    """Whether it still runs: in a container without an init the dead stay in the process table."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _is_same(process: psutil.Process, birth: Birth) -> bool:
    born_at: float = process.create_time()
    return abs(born_at - birth.born_at) < _SAME_MOMENT_S


def _marked(data_dir: Path) -> Iterator[psutil.Process]:
    """Yield the running processes that a start on this data folder has made, directly or not."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or not runs(process):
                continue
            if process.environ().get(CHILD_OF) == str(data_dir):
                yield process
