"""Runs client libraries, in processes of their own: they carry conversations through a gateway, or
open a file that it made."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from devtools import packages
from embedded.subprocesses import PROJECT
from tests.support import node
from tests.support.customers import Customer

_FOLDER = Path(__file__).parent
_TIMEOUT_S = 500  # a limit for a client that hangs, on a machine that is busy


class Walk(NamedTuple):
    """A conversation: it asks each of the models in turn, runs the tools that are called, and goes
    on with a text where none is called."""

    prompt: str
    models: list[str]
    stream: bool


class Turn(NamedTuple):
    """What a client made of one answer."""

    thinking: str
    text: str
    calls: list[str]


class Sheet(NamedTuple):
    """What a spreadsheet made of a CSV file: places of cells that it would compute, and rows by the
    names of their columns."""

    formulas: list[str]
    rows: list[dict[str, str]]


def carry(script: str, customer: Customer, walks: list[Walk]) -> list[list[Turn]]:
    """Run a script of this folder; return the turns of each walk."""
    asked = json.dumps([walk._asdict() for walk in walks])
    turns: list[list[dict[str, Any]]] = _output(script, customer.url, customer.token, asked)
    return [[Turn(**turn) for turn in walk] for walk in turns]


def open_in_a_spreadsheet(csv: Path) -> Sheet:
    """Load a CSV file into a workbook; return what its cells hold."""
    return Sheet(**_output("spreadsheet_client.py", str(csv)))


def _output(script: str, *arguments: str) -> Any:
    """Run a script of this folder; return the JSON that it prints."""
    done = subprocess.run(
        [*_command(script), *arguments],
        env={**os.environ, "PYTHONPATH": str(packages.clients_of(PROJECT))},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def _command(script: str) -> list[str]:
    interpreter = node.executable() if script.endswith(".mjs") else sys.executable
    return [interpreter, str(_FOLDER / script)]
