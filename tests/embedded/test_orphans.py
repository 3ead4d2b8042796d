"""Only processes of an earlier start are ended, never another program with a reused process id."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from embedded.orphans import CHILD_OF, ChildRecord, ChildRegistry


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

        assert orphan.wait(timeout=60) == -signal.SIGKILL
    assert other_program.poll() is None


def test_a_damaged_file_is_ignored(data_dir: Path) -> None:
    (data_dir / "children.json").write_text('[{"name": "web", "pi')

    assert ChildRegistry(data_dir).end_orphans() == 0
