"""The commands in bin/ find a Python that can run the product, or print what is missing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.subprocesses import PROJECT

OLD = "#!/bin/sh\nexit 1\n"
# As Debian ships it without python3-venv: it runs, and has no ensurepip.
WITHOUT_VENV = "#!/bin/sh\nexit 3\n"
# Replaces devtools/bootstrap.py: prints how it was called.
ECHO = """\
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ.get("DATA_DIR"), os.environ.get("CATALOGUE"))
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with the launcher and a bootstrap that only prints how it was called."""
    root = tmp_path / "a clone"
    (root / "devtools").mkdir(parents=True)
    shutil.copy(PROJECT / "devtools/launch.sh", root / "devtools")
    shutil.copytree(PROJECT / "bin", root / "bin")
    (root / "devtools/bootstrap.py").write_text(ECHO)
    return root


def _path_with(folder: Path, **programs: str) -> str:
    """Return a PATH with the tools that the launcher needs, and these programs."""
    folder.mkdir()
    for tool in ("sh", "dirname"):
        (folder / tool).symlink_to(str(shutil.which(tool)))
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return str(folder)


def _start(
    clone: Path, *, path: str, command: str = "up", **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(clone / "bin" / command), "-k", "two words"],
        env={"PATH": path, **environ},
        cwd=clone.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_recent_python_the_error_names_the_version(clone: Path) -> None:
    result = _start(clone, path=_path_with(clone.parent / "bin", python3=OLD))

    assert result.returncode == 1
    assert result.stderr == (
        "Caicaini needs Python 3.11 or newer, and there is none on the PATH: "
        "install it and start again.\n"
    )


def test_a_python_without_venv_is_named_with_the_missing_package(clone: Path) -> None:
    result = _start(clone, path=_path_with(clone.parent / "bin", python3=WITHOUT_VENV))

    assert result.returncode == 1
    assert result.stderr.startswith("python3 lacks the modules venv and ensurepip")
    assert result.stderr.count("\n") == 1


def test_a_python_that_fails_is_skipped(clone: Path) -> None:
    working = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    path = _path_with(clone.parent / "bin", **{"python3.13": OLD, "python3": working})

    result = _start(clone, path=path)

    assert result.returncode == 0
    assert result.stdout.startswith("['up', '-k', 'two words']")


def test_relative_paths_are_resolved_from_the_callers_folder(clone: Path) -> None:
    working = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    path = _path_with(clone.parent / "bin", python3=working)

    result = _start(clone, path=path, DATA_DIR="data", CATALOGUE="/elsewhere/catalogue.toml")

    here = clone.parent
    assert result.stdout.strip().endswith(f"{clone} {here}/data /elsewhere/catalogue.toml")


@pytest.mark.parametrize("command", ["up", "test", "check", "bench"])
def test_every_command_passes_its_name_on(clone: Path, command: str) -> None:
    working = f'#!/bin/sh\nexec {sys.executable} "$@"\n'

    result = _start(clone, path=_path_with(clone.parent / "bin", python3=working), command=command)

    assert result.stdout.startswith(f"['{command}', ")
