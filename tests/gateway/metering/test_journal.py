"""The journal's file: complete and readable, whatever happened while it was written."""

import fcntl
import logging
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.metering import journal
from gateway.metering.journal import Journal
from gateway.metering.operations import Settle
from tests.support.books import TestCall

OWNER = 42


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Journal]:
    opened = journal.create(tmp_path, owner=OWNER)
    yield opened
    opened.close()


def settles(count: int) -> list[Settle]:
    calls = [TestCall(workspace_id=1, amount=300, id=uuid4()) for _ in range(count)]
    return [call.settle(place, route="naïve\n🦊") for place, call in enumerate(calls)]


def file_of(folder: Path) -> Path:
    return folder / f"{OWNER}.journal"


def left_behind(folder: Path, data: bytes) -> Path:
    """Write a file as a dead process leaves it."""
    file_of(folder).write_bytes(data)
    return file_of(folder)


def taken_over(folder: Path) -> tuple[list[Settle], int]:
    """Read the abandoned journals, and clear them as if they were applied."""
    found_settles, damaged = [], 0
    for found in journal.abandoned(folder):
        contents = found.read()
        found_settles += contents.settles
        damaged += len(contents.damaged)
        found.clear()
    return found_settles, damaged


def test_appended_settlements_are_read_back(own: Journal) -> None:
    wanted = settles(3)

    own.append(wanted[:2])
    own.append(wanted[2:])

    assert own.read().settles == wanted
    assert not own.is_empty


def test_it_is_empty_after_clearing_and_can_be_used_again(own: Journal, tmp_path: Path) -> None:
    own.append(settles(3))
    own.clear()
    assert own.is_empty
    assert file_of(tmp_path).read_bytes() == b""

    wanted = settles(1)
    own.append(wanted)
    assert own.read().settles == wanted


def test_the_journal_of_a_living_process_is_not_taken_over(own: Journal, tmp_path: Path) -> None:
    own.append(settles(1))

    assert taken_over(tmp_path) == ([], 0)
    assert journal.owners_alive(tmp_path) == {OWNER}
    assert len(own.read().settles) == 1


def test_the_journal_of_a_dead_process_is_taken_over_once(tmp_path: Path) -> None:
    wanted = settles(2)
    own = journal.create(tmp_path, owner=OWNER)
    own.append(wanted)
    own.close()

    assert taken_over(tmp_path) == (wanted, 0)
    assert taken_over(tmp_path) == ([], 0)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_journal_is_removed_in_the_end(tmp_path: Path) -> None:
    own = journal.create(tmp_path, owner=OWNER)
    own.append(settles(1))
    own.clear()
    own.close()

    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_is_not_applied_stays(tmp_path: Path) -> None:
    own = journal.create(tmp_path, owner=OWNER)
    own.append(settles(2))
    own.close()

    for found in journal.abandoned(tmp_path):
        assert len(found.read().settles) == 2  # and then PostgreSQL becomes unavailable again, say

    assert len(taken_over(tmp_path)[0]) == 2


@pytest.fixture
def two_lines(tmp_path: Path) -> tuple[list[Settle], bytes]:
    """Two settlements, and their bytes in the file."""
    wanted = settles(2)
    own = journal.create(tmp_path, owner=OWNER)
    own.append(wanted)
    data = file_of(tmp_path).read_bytes()
    own.clear()
    own.close()
    return wanted, data


def test_a_last_line_cut_off_anywhere_is_skipped_and_reported(
    tmp_path: Path, two_lines: tuple[list[Settle], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    wanted, data = two_lines
    end_of_first = data.index(b"\n") + 1
    for length in range(end_of_first + 1, len(data)):
        caplog.clear()
        left_behind(tmp_path, data[:length])

        assert taken_over(tmp_path) == (wanted[:1], 0)
        assert "cut off" in caplog.text


def test_a_damaged_line_is_set_aside_and_the_others_count(
    tmp_path: Path, two_lines: tuple[list[Settle], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    wanted, data = two_lines
    altered = bytearray(data)
    altered[40] ^= 1
    left_behind(tmp_path, bytes(altered))

    with caplog.at_level(logging.ERROR):
        assert taken_over(tmp_path) == (wanted[1:], 1)

    aside = file_of(tmp_path).with_suffix(".aside")
    assert aside.read_bytes() == bytes(altered[: data.index(b"\n") + 1])
    assert str(aside) in caplog.text


def test_a_line_of_another_shape_is_set_aside(tmp_path: Path) -> None:
    left_behind(tmp_path, b'f3c7f1e8 {"actual":12}\n')

    assert taken_over(tmp_path) == ([], 1)


# As the version before wrote it, without the fields that a record has had since.
OLD_LINE = (
    b'6e7d2e5b {"record":{"id":"0198f1d0-3a54-7c11-9d3c-0a4f6a1b2c3d","workspace_id":1,'
    b'"accepted_at":"2026-11-22T12:00:00Z","key_id":null,"source":"api",'
    b'"requested_model":"caicaini/auto","resolved_model":"caicaini/swift","upstream_id":1,'
    b'"price_id":1,"route":"caicaini/swift","is_stream":false,"status":200,'
    b'"error_type":"","ending":"completed","stop_reason":"end_turn","input_tokens":14,'
    b'"output_tokens":23,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,'
    b'"is_usage_estimated":false,"credits":0,"lost_credits":0,"first_byte_ms":12,'
    b'"duration_ms":34},"actual":12,"held":300}\n'
)


def test_a_line_of_the_version_before_is_read(tmp_path: Path) -> None:
    """During a deploy the new version replays it."""
    left_behind(tmp_path, OLD_LINE)

    [settle], damaged = taken_over(tmp_path)

    assert damaged == 0
    assert (settle.actual, settle.held, settle.record.duration_ms) == (12, 300, 34)
    assert (settle.record.lines, settle.record.balance_after) == (None, None)


def test_no_bytes_break_it(tmp_path: Path) -> None:
    for _ in range(50):
        left_behind(tmp_path, os.urandom(500))

        assert taken_over(tmp_path)[0] == []
        file_of(tmp_path).with_suffix(".aside").unlink(missing_ok=True)


def test_a_disk_that_fills_up_adds_nothing(own: Journal) -> None:
    """A limit on the file's size stands in for the disk's: part of a line is written."""
    wanted = settles(2)
    own.append(wanted[:1])
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, unlimited[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            own.append(settles(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

    own.append(wanted[1:])
    assert own.read() == (wanted, [])


def test_a_journal_seen_before_it_was_locked_is_made_again(tmp_path: Path) -> None:
    """Between its creation and its lock another process may take the file for a dead one's."""
    path = left_behind(tmp_path, b"")
    other = os.open(path, os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    path.unlink()
    os.close(other)

    own = journal.create(tmp_path, owner=OWNER)
    own.append(settles(1))
    assert path.exists()
    assert taken_over(tmp_path) == ([], 0)
    own.clear()
    own.close()
