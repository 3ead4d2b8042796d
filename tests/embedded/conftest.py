"""Starts that run small real commands and are stopped at the end of their test."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedded.orphans import ChildRegistry
from embedded.subprocesses import PROJECT
from tests.support.waiting import eventually

Row = dict[str, str]


def _reset_sighup() -> None:
    """React to SIGHUP, even if the suite itself runs under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Start:
    """A running start: its process and its output on the terminal."""

    def __init__(self, data_dir: Path, rows: list[Row]) -> None:
        self.output = data_dir / f"output-{len(list(data_dir.glob('output-*')))}"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.embedded.start", str(data_dir), json.dumps(rows)],
                cwd=PROJECT,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_reset_sighup,
            )

    def await_ready(self) -> None:
        eventually(lambda: "ready" in self.output.read_text(), what="ready")

    def ending(self) -> tuple[int, str]:
        """Wait for its end; return its exit code and its output."""
        return self.process.wait(timeout=120), self.output.read_text()


@pytest.fixture
def start(data_dir: Path) -> Iterator[Callable[..., Start]]:
    made: list[Start] = []

    def make(*rows: Row) -> Start:
        made.append(Start(data_dir, list(rows)))
        return made[-1]

    yield make
    for one in made:
        one.process.terminate()
        one.process.wait(timeout=120)
    ChildRegistry(data_dir).end_orphans()
