"""Plants each bug in a copy of the project and runs the tests that must notice it."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.seeded_bugs.bug import Bug
from benchmarks.seeded_bugs.bugs import BUGS
from embedded.subprocesses import PROJECT

_LEFT_OUT = shutil.ignore_patterns(".*", "node_modules", "__pycache__", "staticfiles")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_OPTIONS = (
    *("-x", "-q", "--create-db", "-p", "no:cacheprovider"),
    "--hypothesis-profile=first failure",
)
_FAILURE = 1  # pytest's exit code when tests have failed; other codes mean that they did not run


class _Result(NamedTuple):
    """The outcome of a test run."""

    code: int
    first_failure: str
    seconds: float


def main(options: argparse.Namespace) -> int:
    """Print a table; return 1 when a bug went unnoticed, or when tests fail without one."""
    chosen = [bug for bug in BUGS if options.only in bug.name]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(PROJECT, copy, ignore=_LEFT_OUT)
        if not options.without_control and not _is_green(copy, chosen):
            return 1
        unnoticed = [bug.name for bug in chosen if not _is_noticed(copy, bug)]
    print(f"{len(chosen) - len(unnoticed)} of {len(chosen)} bugs turned the suite red")
    for name in unnoticed:
        print(f"  UNNOTICED: {name}")
    return 1 if unnoticed else 0


def _is_green(copy: Path, chosen: list[Bug]) -> bool:
    """Run the tests without a bug: their failing with one proves nothing otherwise."""
    tests = sorted({test for bug in chosen for test in bug.tests})
    result = _run(copy, tests)
    print(f"without a bug: {'green' if result.code == 0 else result} after {result.seconds:.0f} s")
    return result.code == 0


def _is_noticed(copy: Path, bug: Bug) -> bool:
    before = {edit.file: (copy / edit.file).read_text() for edit in bug.edits}
    for edit in bug.edits:
        _apply(copy / edit.file, edit.old, edit.new)
    result = _run(copy, bug.tests)
    for file, text in before.items():
        (copy / file).write_text(text)
    verdict = "red" if result.code == _FAILURE else "UNNOTICED"
    noticed_by = result.first_failure.rpartition("::")[2]
    print(f"{verdict:<9} {result.seconds:4.0f} s  {bug.name:<75} {noticed_by}", flush=True)
    return result.code == _FAILURE


def _apply(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if text.count(old) != 1:
        raise LookupError(f"{path.name} has {text.count(old)} times: {old}")
    path.write_text(text.replace(old, new))


def _run(copy: Path, tests: Sequence[str]) -> _Result:
    """Run tests until the first failure, on a new database: a bug may be in a migration."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *_OPTIONS, *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = _FAILED.search(done.stdout)
    return _Result(
        done.returncode,
        failed[1] if failed else f"pytest ended with {done.returncode}",
        time.monotonic() - began,
    )
