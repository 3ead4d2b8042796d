"""The model and the workspace that benchmarks call with."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.gateway.processes import PROJECT

MODEL = "bench/fixed"
_CATALOGUE = """
[[models]]
id = "{model}"
name = "Fixed"
context_tokens = 8192
max_output_tokens = 4096
capabilities = ["images"]
max_tokens_per_image = 1600
[[models.prices]]
from = 2026-11-01T00:00:00Z
input = 100_000
output = 450_000
cache_write = 125_000
cache_read = 10_000
[[models.upstreams]]
format = "messages"
base_url = "http://127.0.0.1:{port}"
model = "bench"
"""
_EMAIL = "demo@example.com"
# For servers, so that a benchmark does not run into what one workspace may ask for.
UNLIMITED = {"RATE_LIMITS": "requests=1000000000,input_tokens=1000000000000"}


def prepared(upstream_port: int) -> str:
    """Make a workspace with enough credits for every call; return its key."""
    catalogue = write_catalogue(Path(os.environ["DATA_DIR"]), upstream_port)
    os.environ["CATALOGUE"] = str(catalogue)
    return filled(PROJECT, os.environ)


def write_catalogue(folder: Path, upstream_port: int) -> Path:
    """Write a catalogue with the model of the benchmarks; return its file."""
    catalogue = folder / "benchmark-catalogue.toml"
    catalogue.write_text(_CATALOGUE.format(model=MODEL, port=upstream_port))
    return catalogue


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
