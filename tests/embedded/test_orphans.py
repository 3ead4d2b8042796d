"""Only processes of an earlier start are ended, never a stranger with a recycled process id."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from embedded.orphans import CHILD_OF, Birth, Register


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def _write(data_dir: Path, process: subprocess.Popen[bytes], *, born_at: float) -> None:
    births = [Birth("web", process.pid, born_at, int(signal.SIGTERM))]
    (data_dir / "children.json").write_bytes(msgspec.json.encode(births))


def test_a_recycled_process_id_is_not_signalled(
    data_dir: Path, stranger: subprocess.Popen[bytes]
) -> None:
    _write(data_dir, stranger, born_at=psutil.Process(stranger.pid).create_time() - 3600)

    assert Register(data_dir).end_leftovers() == 0

    assert stranger.poll() is None


def test_a_process_of_the_same_birth_is_ended(
    data_dir: Path, stranger: subprocess.Popen[bytes]
) -> None:
    _write(data_dir, stranger, born_at=psutil.Process(stranger.pid).create_time())

    assert Register(data_dir).end_leftovers() == 1

    assert stranger.wait(timeout=60) == -signal.SIGTERM


def test_a_worker_whose_master_is_gone_is_known_by_its_environment(
    data_dir: Path, stranger: subprocess.Popen[bytes]
) -> None:
    with subprocess.Popen(["sleep", "600"], env={**os.environ, CHILD_OF: str(data_dir)}) as orphan:
        assert Register(data_dir).end_leftovers() == 1

        assert orphan.wait(timeout=60) == -signal.SIGKILL
    assert stranger.poll() is None


def test_a_damaged_register_is_no_hindrance(data_dir: Path) -> None:
    (data_dir / "children.json").write_text('[{"name": "web", "pi')

    assert Register(data_dir).end_leftovers() == 0
