"""Another state of the project, to measure beside this one: a folder with a checkout, or a commit.

A commit is unpacked into a temporary folder, with links to the installed packages of this checkout:
its own commands install what differs, and leave ours as they are.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded.subprocesses import PROJECT

_PACKAGES = (".venv", "node_modules")


@contextmanager
def checked_out(beside: str) -> Iterator[Path]:
    """Yield the folder, which exists for the block. Raises LookupError if there is no such one."""
    folder = Path(beside)
    if folder.is_dir():
        yield folder.resolve()
        return
    commit = _commit(beside)
    with tempfile.TemporaryDirectory(prefix="caicaini-beside-") as parent:
        folder = Path(parent) / "project"
        _unpack(commit, folder)
        for name in _PACKAGES:
            if (PROJECT / name).is_dir():
                shutil.copytree(PROJECT / name, folder / name, symlinks=True, copy_function=_linked)
        yield folder


def _commit(name: str) -> str:
    done = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if done.returncode:
        raise LookupError(f"{name} is neither a folder nor a commit")
    return done.stdout.decode().strip()


def _unpack(commit: str, folder: Path) -> None:
    packed = folder.with_suffix(".tar")
    _git("archive", "--output", str(packed), commit).check_returncode()
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    packed.unlink()


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [shutil.which("git") or "git", *arguments], cwd=PROJECT, capture_output=True, check=False
    )


def _linked(source: str, target: str) -> None:
    """Link a file, or copy it to another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
