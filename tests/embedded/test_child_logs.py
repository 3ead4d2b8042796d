"""The output of children goes to their logs; the terminal also shows the web server's errors."""

import subprocess
import sys
from pathlib import Path

import pytest

from devtools.error_lines import ErrorLines
from embedded import child_log
from embedded.child_log import ChildLog

QUIET = "2026-11-22 17:31:48,100 INFO    gateway: a call\n"
ERROR = "2026-11-22 17:31:49,200 ERROR   django.request: Internal Server Error\n"
TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 1\n'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return child_log.open_log(tmp_path / "log", "web")


def _append(log: Path, text: str) -> None:
    with log.open("a") as lines:
        lines.write(text)


def test_an_error_is_shown_with_its_traceback_and_nothing_else(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _append(log, ERROR)  # of an earlier start
    following = ErrorLines(log)

    _append(log, QUIET + ERROR + TRACEBACK + QUIET)
    following.show_new()
    following.show_new()

    assert capsys.readouterr().out == ERROR + TRACEBACK


def test_a_line_is_shown_once_it_is_complete(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    following = ErrorLines(log)

    _append(log, ERROR[:30])
    following.show_new()
    unfinished = capsys.readouterr().out
    _append(log, ERROR[30:])
    following.show_new()

    assert unfinished == ""
    assert capsys.readouterr().out == ERROR


def test_an_error_in_production_is_shown_as_the_json_it_is(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    following = ErrorLines(log)
    record = '{"at": "2026-11-22 17:31:49", "level": "ERROR", "message": "no"}\n'

    _append(log, '{"level": "INFO", "message": "yes"}\n' + record)
    following.show_new()

    assert capsys.readouterr().out == record


def test_errors_are_shown_from_a_log_that_was_replaced_and_from_its_successor(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    following = ErrorLines(log)
    _append(log, ERROR)
    log.replace(log.with_suffix(".log.1"))
    _append(log, QUIET + ERROR + TRACEBACK)

    following.show_new()
    following.show_new()

    assert capsys.readouterr().out == ERROR + ERROR + TRACEBACK


PRINT = """
import sys
for number in range(int(sys.argv[1])):
    sys.stdout.write(f"line {number} of {sys.argv[2]}\\n")
"""


def test_a_log_is_replaced_while_its_child_runs_and_no_line_is_lost(log: Path) -> None:
    child = ChildLog(log, largest_bytes=200_000)

    with child.pipe() as output:
        processes = [
            subprocess.Popen([sys.executable, "-u", "-c", PRINT, "8000", name], stdout=output)
            for name in ("web", "its worker")
        ]
    for process in processes:
        assert process.wait(60) == 0
    child.drain(timeout_s=60)

    older = log.with_suffix(".log.1")
    lines = [*older.read_text().splitlines(), *log.read_text().splitlines()]
    expected = {
        f"line {number} of {name}" for number in range(8000) for name in ("web", "its worker")
    }
    assert set(lines) == expected
    assert len(lines) == len(expected)
    assert older.stat().st_size <= 200_000
    assert log.stat().st_size <= 200_000


def test_a_log_of_a_former_run_is_continued_and_then_replaced(log: Path) -> None:
    _append(log, QUIET)
    child = ChildLog(log, largest_bytes=len(QUIET + ERROR))

    child.write(ERROR.encode())
    before = child.output()
    child.write(QUIET.encode())
    child.write(ERROR.encode())

    assert before == ERROR  # of this run
    assert child.output() == QUIET + ERROR
    assert log.with_suffix(".log.1").read_text() == QUIET + ERROR


def test_a_line_without_an_end_does_not_grow_without_end(log: Path) -> None:
    child = ChildLog(log, largest_bytes=100)

    for _ in range(100):
        child.write(b"." * 50)

    assert log.stat().st_size <= 300
    assert log.with_suffix(".log.1").stat().st_size <= 300
