"""`bin/up` where it cannot start: one sentence on stderr with what to do, and exit code 1."""

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.subprocesses import PROJECT


def _refusal(environ: dict[str, str], **settings: str) -> str:
    """Start, and return stderr; the start must fail without any other output."""
    result = subprocess.run(
        [sys.executable, "-m", "devtools", "up"],
        cwd=PROJECT,
        env={**environ, **settings},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.strip()


def test_a_port_in_use_is_named_with_what_to_do(bare_environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        refusal = _refusal(bare_environ, PORT=str(port))

    assert refusal.startswith(f"Port {port} is in use by another program")
    assert "PORT=" in refusal


def test_a_second_start_on_the_same_data_folder_is_refused(
    bare_environ: dict[str, str], data_dir: Path
) -> None:
    with (data_dir / "up.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        refusal = _refusal(bare_environ)

    assert refusal.startswith(f"bin/up already runs on {data_dir}")


@pytest.mark.parametrize(
    ("catalogue", "message"),
    [
        ("[[models]\n", "is not valid TOML"),
        ('[[models]]\nid = "a"\n', "Object missing required field `name`"),
        (None, "There is no catalogue file at "),
    ],
)
def test_an_invalid_catalogue_is_named_with_its_path(
    bare_environ: dict[str, str], tmp_path: Path, catalogue: str | None, message: str
) -> None:
    path = tmp_path / "catalogue.toml"
    if catalogue is not None:
        path.write_text(catalogue)

    refusal = _refusal(bare_environ, CATALOGUE=str(path))

    assert message in refusal
    assert str(path) in refusal


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"PORT": "eighty"}, "PORT=eighty makes no sense: give a whole number from 1 to 65535."),
        ({"PORT": "65536"}, "PORT=65536 makes no sense: give a whole number from 1 to 65535."),
        ({"DRAIN_WINDOW_S": "-1"}, "DRAIN_WINDOW_S=-1 makes no sense"),
        ({"RATE_LIMITS": "foo"}, "RATE_LIMITS=foo makes no sense"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL makes no sense"),
        ({"HOST": "192.0.2.1"}, "HOST=192.0.2.1 cannot be listened on"),
    ],
)
def test_an_invalid_setting_is_named(
    bare_environ: dict[str, str], variables: dict[str, str], message: str
) -> None:
    assert _refusal(bare_environ, **variables).startswith(message)


def test_a_data_folder_that_is_a_file_is_named(
    bare_environ: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.touch()

    assert str(path) in _refusal(bare_environ, DATA_DIR=str(path))


def test_nothing_is_written_when_a_setting_is_refused(
    bare_environ: dict[str, str], data_dir: Path
) -> None:
    _refusal(bare_environ, PORT="0")

    assert os.listdir(data_dir) == []


@pytest.mark.parametrize(("argument", "status"), [("--help", 0), ("now", 2)])
def test_an_argument_starts_nothing_and_prints_the_usage(
    bare_environ: dict[str, str], data_dir: Path, argument: str, status: int
) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "devtools", "up", argument],
        cwd=PROJECT,
        env=bare_environ,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert result.returncode == status
    assert result.stdout.startswith("usage: bin/up")
    assert list(data_dir.iterdir()) == []
