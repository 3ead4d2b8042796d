"""The languages of the documentation's samples, each with one process that runs all of them."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from embedded.subprocesses import PROJECT
from tests.support import node

_HERE = Path(__file__).resolve().parent


class Language(NamedTuple):
    """A language: its sample's file name, its runner's command, and the versions it runs on.

    A sample that has `sdk_name` in it uses the SDK.
    """

    name: str
    file: str
    command: Callable[[], list[str]]
    runtime: Callable[[], str]
    sdk: Callable[[], str]
    sdk_name: str


@dataclass
class Runner:
    """A process that runs samples of one language."""

    process: "subprocess.Popen[str]"

    def run(self, folder: Path) -> int:
        """Run the sample in the folder; return its exit status. Its output is in the folder."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{folder}\n")
        self.process.stdin.flush()
        status = self.process.stdout.readline().strip()
        assert status, f"the process that runs the samples ended at {folder.name}"
        return int(status)


@contextmanager
def running(language: Language, *, token: str, folder: Path) -> Iterator[Runner]:
    """Run the language's process for the block, with an environment that has the key alone."""
    env = {"PATH": node.search_path(), "HOME": str(folder), "CAICAINI_API_KEY": token}
    with (folder / "runner.err").open("w") as errors:
        process = subprocess.Popen(
            language.command(),
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield Runner(process)
    finally:
        process.kill()
        process.communicate()


def _found(program: str) -> str:
    found = shutil.which(program, path=node.search_path())
    assert found is not None, f"there is no {program}"
    return found


def _first_version(*command: str) -> str:
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+(\.\d+)+", printed)
    assert found is not None, printed
    return found[0]


def _typescript_sdk() -> str:
    package = PROJECT / "node_modules/@anthropic-ai/sdk/package.json"
    return f"@anthropic-ai/sdk {json.loads(package.read_text())['version']}"


LANGUAGES = (
    Language(
        "curl",
        "curl.sh",
        lambda: [_found("bash"), str(_HERE / "bash_runner.sh")],
        lambda: f"curl {_first_version(_found('curl'), '--version')}",
        lambda: "",
        "no SDK",
    ),
    Language(
        "python",
        "python.py",
        lambda: [sys.executable, str(_HERE / "python_runner.py")],
        lambda: f"Python {sys.version.split()[0]}",
        lambda: f"anthropic {version('anthropic')}",
        "anthropic",
    ),
    Language(
        "typescript",
        "typescript.mjs",
        lambda: [_found("node"), str(_HERE / "node_runner.mjs")],
        lambda: f"Node.js {_first_version(_found('node'), '--version')}",
        _typescript_sdk,
        "@anthropic-ai/sdk",
    ),
)
