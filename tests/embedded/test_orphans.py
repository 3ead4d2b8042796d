"""Only processes of an earlier start are ended, never another program with a reused process id."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from embedded.errors import StopRequested
from embedded.orphans import CHILD_OF, STOP_WINDOW_S, ChildRecord, ChildRegistry
from tests.support.waiting import eventually


@pytest.fixture
def other_program() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def _write(data_dir: Path, process: subprocess.Popen[bytes], *, born_at: float) -> None:
    children = [ChildRecord("web", process.pid, born_at, int(signal.SIGTERM))]
    (data_dir / "children.json").write_bytes(msgspec.json.encode(children))


def test_a_reused_process_id_is_not_signalled(
    data_dir: Path, other_program: subprocess.Popen[bytes]
) -> None:
    _write(data_dir, other_program, born_at=psutil.Process(other_program.pid).create_time() - 3600)

    assert ChildRegistry(data_dir).end_orphans() == 0

    assert other_program.poll() is None


def test_a_process_with_the_same_creation_time_is_ended(
    data_dir: Path, other_program: subprocess.Popen[bytes]
) -> None:
    _write(data_dir, other_program, born_at=psutil.Process(other_program.pid).create_time())

    assert ChildRegistry(data_dir).end_orphans() == 1

    assert other_program.wait(timeout=60) == -signal.SIGTERM


def test_a_worker_whose_master_was_killed_is_found_by_its_environment(
    data_dir: Path, other_program: subprocess.Popen[bytes]
) -> None:
    with subprocess.Popen(["sleep", "600"], env={**os.environ, CHILD_OF: str(data_dir)}) as orphan:
        assert ChildRegistry(data_dir).end_orphans() == 1

        assert orphan.wait(timeout=60) == -signal.SIGTERM
    assert other_program.poll() is None


# Ends in order some time after it was asked to: longer than orphans without a window get.
_DRAINS = "trap 'sleep 8; exit 7' TERM; touch {ready}; while true; do sleep 0.1; done"


@pytest.fixture
def draining(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child of an earlier start that still answers calls when it is asked to stop."""
    ready = data_dir / "ready"
    marks = {CHILD_OF: str(data_dir), STOP_WINDOW_S: "600"}
    command = ["sh", "-c", _DRAINS.format(ready=ready)]
    with subprocess.Popen(command, env={**os.environ, **marks}) as process:
        eventually(ready.exists, what="the child's start")
        yield process
        process.kill()


def test_an_orphan_gets_the_window_that_its_supervisor_would_have_given_it(
    data_dir: Path, draining: subprocess.Popen[bytes]
) -> None:
    registry = ChildRegistry(data_dir)
    registry.add(name="web", pid=draining.pid, stop_signal=signal.SIGTERM, stop_window_s=600)
    lines: list[str] = []

    ChildRegistry(data_dir).end_orphans(report=lines.append)

    assert draining.wait(timeout=60) == 7
    assert lines == ["Waiting up to 600 seconds for the calls that an earlier start left running."]


def test_an_orphan_gets_its_window_where_the_file_of_children_is_lost(
    data_dir: Path, draining: subprocess.Popen[bytes]
) -> None:
    ChildRegistry(data_dir).end_orphans()

    assert draining.wait(timeout=60) == 7


def test_orphans_are_killed_when_the_wait_for_them_is_given_up(
    data_dir: Path, draining: subprocess.Popen[bytes]
) -> None:
    def give_up(_seconds: float) -> None:
        raise StopRequested

    with pytest.raises(StopRequested):
        ChildRegistry(data_dir).end_orphans(pause=give_up)

    assert draining.wait(timeout=60) == -signal.SIGKILL


def test_a_damaged_file_is_ignored(data_dir: Path) -> None:
    (data_dir / "children.json").write_text('[{"name": "web", "pi')

    assert ChildRegistry(data_dir).end_orphans() == 0
