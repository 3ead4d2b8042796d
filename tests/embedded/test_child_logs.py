"""The output of children goes to their logs; the terminal also shows the web server's errors."""

from pathlib import Path

import pytest

from devtools.error_lines import ErrorLines
from embedded import subprocesses

QUIET = "2026-11-22 17:31:48,100 INFO    gateway: a call\n"
ERROR = "2026-11-22 17:31:49,200 ERROR   django.request: Internal Server Error\n"
TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 1\n'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return subprocesses.open_log(tmp_path / "log", "web")


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


def test_a_log_past_twenty_megabytes_is_set_aside_at_the_next_start(log: Path) -> None:
    with log.open("ab") as lines:
        lines.truncate(subprocesses.LARGEST_LOG_BYTES + 1)

    again = subprocesses.open_log(log.parent, "web")

    assert again.stat().st_size == 0
    assert log.with_suffix(".log.1").stat().st_size == subprocesses.LARGEST_LOG_BYTES + 1


def test_a_log_of_ordinary_size_is_continued(log: Path) -> None:
    _append(log, QUIET)

    assert subprocesses.open_log(log.parent, "web").read_text() == QUIET
