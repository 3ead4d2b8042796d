"""The model and the workspace that benchmarks call with."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks import catalogue
from benchmarks.gateway.processes import PROJECT

MODEL = "bench/fixed"
_EMAIL = "demo@example.com"
# For servers, so that a benchmark does not run into what one workspace may ask for.
UNLIMITED = {"RATE_LIMITS": "requests=1000000000,input_tokens=1000000000000"}


def prepared(upstream_port: int) -> str:
    """Make a workspace with enough credits for every call; return its key."""
    os.environ["CATALOGUE"] = str(write_catalogue(Path(os.environ["DATA_DIR"]), upstream_port))
    return filled(PROJECT, os.environ)


def write_catalogue(folder: Path, upstream_port: int) -> Path:
    """Write a catalogue with the model of the benchmarks; return its file."""
    path = folder / "benchmark-catalogue.toml"
    url = f"http://127.0.0.1:{upstream_port}"
    catalogue.write(path, model=MODEL, prices=catalogue.CHEAP, upstream_url=url)
    return path


def filled(project: Path, env: Mapping[str, str]) -> str:
    """Prepare the database of a checkout with its own commands, for `prepared`; return the key."""
    for command in (
        ["migrate", "--no-input"],
        ["sync_catalogue"],
        ["seed_demo"],
        ["grant_credits", "--email", _EMAIL, "--credits", "1000000000", "--reason", "benchmark"],
    ):
        _manage(project, env, *command)
    return _manage(project, env, "mint_key", "--email", _EMAIL, "--name", "benchmark").strip()


def _manage(project: Path, env: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, str(project / "manage.py"), *arguments]
    done = subprocess.run(
        command, cwd=project, env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout
