"""SIGHUP replaces the children that can be replaced, each by a process that is ready first."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedded.subprocesses import PROJECT
from tests.embedded.conftest import Start
from tests.support.waiting import eventually

NewStart = Callable[..., Start]
# By its path: dash redirects to descriptors of one digit only.
_READY = "echo READY=1 > /proc/self/fd/$CAICAINI_NOTIFY_FD"
_STOPPING = "echo STOPPING=1 > /proc/self/fd/$CAICAINI_NOTIFY_FD"
_RUN = "while true; do sleep 0.05; done"


class Diary:
    """A file in which processes note what they do, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def count(self, word: str) -> int:
        return sum(line.split()[0] == word for line in self.lines())

    def await_count(self, word: str, count: int) -> None:
        eventually(lambda: self.count(word) >= count, what=f"{count} x {word}")

    def pids(self, word: str = "begins") -> list[int]:
        return [int(line.split()[1]) for line in self.lines() if line.split()[0] == word]


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(tmp_path / "diary")


def _note(diary: Diary, word: str) -> str:
    return f"echo {word} $$ >> {diary.path}"


def _web(diary: Diary, *, before_ready: str = "true", to_stop: str = "true") -> dict[str, str]:
    ending = f"{_note(diary, 'stops')}; {_STOPPING}; {to_stop}; {_note(diary, 'ends')}; exit 0"
    ready = f"{_note(diary, 'ready')}; {_READY}"
    command = f"trap '{ending}' TERM; {_note(diary, 'begins')}; {before_ready}; {ready}; {_RUN}"
    return {"name": "web", "command": command, "replaceable": "yes"}


def _other(diary: Diary) -> dict[str, str]:
    return {"name": "other", "command": f"echo other $$ >> {diary.path}; {_RUN}"}


def test_sighup_replaces_one_after_the_other_and_the_new_process_is_ready_first(
    start: NewStart, diary: Diary
) -> None:
    running = start(_web(diary), _web(diary), _other(diary))
    running.await_ready()
    before = diary.pids()

    running.process.send_signal(signal.SIGHUP)

    eventually(lambda: "Restarted" in running.output.read_text(), what="the restart")
    events = [line.split()[0] for line in diary.lines() if "other" not in line]
    assert sorted(events[:4]) == ["begins", "begins", "ready", "ready"]
    assert events[4:] == ["begins", "ready", "stops", "ends"] * 2
    assert diary.pids("ends") == before
    assert diary.count("other") == 1


def test_a_new_process_that_does_not_become_ready_leaves_the_old_ones_running(
    start: NewStart, diary: Diary, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    running = start(_web(diary, before_ready=f"test ! -e {broken} || exit 3"))
    running.await_ready()
    broken.touch()

    running.process.send_signal(signal.SIGHUP)

    eventually(lambda: "has ended early" in running.output.read_text(), what="the refusal")
    assert "The web ended 3 times in a row" in running.output.read_text()
    assert diary.count("stops") == 0
    broken.unlink()
    running.process.send_signal(signal.SIGHUP)
    eventually(lambda: "Restarted" in running.output.read_text(), what="the second restart")
    assert diary.pids("ends") == diary.pids()[:1]


def test_a_process_that_somebody_else_asks_to_stop_is_replaced_before_it_has_ended(
    start: NewStart, diary: Diary, tmp_path: Path
) -> None:
    released = tmp_path / "released"
    wait = f"while ! test -e {released}; do sleep 0.05; done"
    running = start(_web(diary, to_stop=wait))
    running.await_ready()

    os.kill(diary.pids()[0], signal.SIGTERM)

    diary.await_count("ready", 2)
    assert diary.count("ends") == 0
    released.touch()
    diary.await_count("ends", 1)
    assert "was asked to stop; starting another" in running.output.read_text()
    assert diary.count("begins") == 2


def test_a_stop_during_a_restart_ends_the_old_and_the_new(
    start: NewStart, diary: Diary, tmp_path: Path
) -> None:
    slow = tmp_path / "slow"
    running = start(_web(diary, before_ready=f"while test -e {slow}; do sleep 0.05; done"))
    running.await_ready()
    slow.touch()
    running.process.send_signal(signal.SIGHUP)
    diary.await_count("begins", 2)

    running.process.terminate()
    slow.unlink()

    assert running.ending()[0] == 0
    assert diary.count("ends") == 2


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(theirs)


_IN_A_SESSION = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_a_closed_terminal_ends_all(terminal: tuple[int, int], data_dir: Path) -> None:
    ours, theirs = terminal
    ready = data_dir / "ready"
    rows = f'[{{"name": "one", "command": "touch {ready}; {_RUN}"}}]'
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_A_SESSION, "-m", "tests.embedded.start", str(data_dir), rows],
        cwd=PROJECT,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    eventually(ready.exists, what="the child")

    os.close(ours)

    assert process.wait(timeout=120) == 0
