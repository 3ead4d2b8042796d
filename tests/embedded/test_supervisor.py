"""A start supervises its children: it restarts those that exit and leaves nothing running."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from embedded import orphans
from embedded.supervisor import backoff_s
from tests.embedded.conftest import Start
from tests.support.waiting import eventually

NewStart = Callable[..., Start]


def _pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and orphans.runs(psutil.Process(pid))


def _sleeper(pids: Path, *, name: str = "sleeper") -> dict[str, str]:
    return {
        "name": name,
        "command": f"echo $$ >> {pids}; exec sleep 600",
        "ready_file": str(pids),
    }


def test_a_child_that_is_killed_is_started_again(start: NewStart, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    running = start(_sleeper(pids))
    running.await_ready()

    os.kill(_pids(pids)[0], signal.SIGKILL)

    eventually(lambda: len(_pids(pids)) == 2, what="a second process")
    assert _runs(_pids(pids)[1])
    assert "The sleeper was ended by signal 9; starting it again" in running.output.read_text()


def test_the_first_restart_of_a_child_is_immediate_and_later_ones_wait() -> None:
    assert backoff_s(1) == 0
    assert 0 < backoff_s(2) < backoff_s(3) < backoff_s(100) <= 60


def test_the_workers_of_a_killed_master_end_before_it_starts_again(
    start: NewStart, tmp_path: Path
) -> None:
    masters, workers = tmp_path / "masters", tmp_path / "workers"
    running = start(
        {
            "name": "master",
            "command": f"sleep 600 & echo $! >> {workers}; echo $$ >> {masters}; wait",
            "ready_file": str(masters),
        }
    )
    running.await_ready()

    os.kill(_pids(masters)[0], signal.SIGKILL)

    eventually(lambda: len(_pids(workers)) == 2, what="a second worker")
    eventually(lambda: not _runs(_pids(workers)[0]), what="the first worker's end")


def test_a_child_that_cannot_start_ends_the_start_with_its_last_output(
    start: NewStart, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"

    failed = start(
        _sleeper(pids),
        {"name": "broken", "command": "echo no such table >&2; exit 3", "ready_file": "/nowhere"},
    )

    code, output = failed.ending()
    assert code == 1
    assert "The broken ended 3 times in a row; the end of " in output
    assert output.endswith("  no such table\n  no such table\n  no such table\n")
    assert not _runs(_pids(pids)[0])


def test_a_full_disk_is_named_instead_of_the_log(start: NewStart) -> None:
    message = "could not extend file: No space left on device"

    failed = start(
        {"name": "writer", "command": f"echo '{message}'; exit 1", "ready_file": "/nowhere"}
    )

    _, output = failed.ending()
    assert output.splitlines()[-1] == (
        "The writer ended 3 times in a row. The disk is full: free some space and start again."
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_children_the_last_started_first(
    start: NewStart, tmp_path: Path, number: signal.Signals
) -> None:
    endings = tmp_path / "endings"

    def ends_with_a_note(name: str) -> dict[str, str]:
        ready = tmp_path / name
        note = f"trap 'echo {name} >> {endings}; exit 0' TERM; touch {ready}"
        return {
            "name": name,
            "command": f"{note}; while true; do sleep 0.05; done",
            "ready_file": str(ready),
        }

    running = start(ends_with_a_note("database"), ends_with_a_note("web"))
    running.await_ready()

    running.process.send_signal(number)

    assert running.ending()[0] == 0
    assert endings.read_text().split() == ["web", "database"]


def test_a_child_that_ignores_its_stop_signal_is_killed_when_its_window_is_over(
    start: NewStart, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    running = start(
        {
            "name": "stubborn",
            "command": f"trap '' TERM; echo $$ > {pids}; while true; do sleep 0.1; done",
            "ready_file": str(pids),
            "stop_window_s": "1",
        }
    )
    running.await_ready()

    running.process.terminate()

    assert running.ending()[0] == 0
    assert not _runs(_pids(pids)[0])


def test_a_second_signal_does_not_wait_for_a_window_to_be_over(
    start: NewStart, tmp_path: Path
) -> None:
    pids, asked = tmp_path / "pids", tmp_path / "asked"
    endless_loop = "while true; do sleep 0.1; done"
    running = start(
        {
            "name": "stream",
            "command": f"trap 'touch {asked}' TERM; echo $$ > {pids}; {endless_loop}",
            "ready_file": str(pids),
            "stop_window_s": "3600",
        }
    )
    running.await_ready()
    running.process.terminate()
    eventually(asked.exists, what="the first request to stop")

    running.process.terminate()

    assert running.ending()[0] == 0
    assert not _runs(_pids(pids)[0])


def test_a_signal_while_children_are_still_starting_ends_them_too(
    start: NewStart, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    starting = start({**_sleeper(pids), "ready_file": "/nowhere"})
    eventually(lambda: _pids(pids), what="the child")

    starting.process.terminate()

    assert starting.ending()[0] == 0
    assert not _runs(_pids(pids)[0])


def test_children_end_when_the_start_itself_is_killed(start: NewStart, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    running = start(_sleeper(pids))
    running.await_ready()

    running.process.kill()

    eventually(lambda: not _runs(_pids(pids)[0]), what="the child's end")


def test_what_outlives_a_killed_start_is_ended_by_the_next(start: NewStart, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    ignores_sigterm = {
        "name": "ignores_sigterm",
        "command": f"trap '' TERM; echo $$ >> {pids}; sleep 600; sleep 600",
        "ready_file": str(pids),
        "stop_window_s": "1",
    }
    killed = start(ignores_sigterm)
    killed.await_ready()
    killed.process.kill()
    killed.process.wait()
    assert _runs(_pids(pids)[0])

    following = start(_sleeper(tmp_path / "others"))
    following.await_ready()

    assert not _runs(_pids(pids)[0])
