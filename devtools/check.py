"""`bin/check`: format, lint, types, import rules, words, templates, migrations, deployment."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from embedded.subprocesses import PROJECT
from embedded.terminal import print_line

# Django's deployment check needs production's settings, but connects to no server.
_PRODUCTION = {
    "SECRET_KEY": "only-for-the-deployment-check-and-long-enough-to-pass-it-0123456789",
    "PUBLIC_URL": "https://caicaini.example",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp://127.0.0.1:1",
}

# Its script contains the path it was installed in; this also works in a clone that was moved.
_LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


class _Check(NamedTuple):
    title: str
    arguments: tuple[str, ...]
    in_production: bool = False


_CHECKS = (
    _Check("format", ("-m", "ruff", "format", "--check", ".")),
    _Check("lint", ("-m", "ruff", "check", ".")),
    _Check("types", ("-m", "mypy", ".")),
    _Check("import rules", ("-c", _LINT_IMPORTS)),
    _Check("plain words", ("-m", "devtools.plain_words")),
    _Check("template format", ("-m", "djlint", "templates", "--check")),
    _Check("template lint", ("-m", "djlint", "templates", "--lint")),
    _Check("migrations", ("manage.py", "makemigrations", "--check", "--dry-run")),
    _Check(
        "deployment settings",
        ("manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        in_production=True,
    ),
)


def check(_arguments: list[str]) -> int:
    """Run all checks, also after one has failed; return 1 if any has."""
    with tempfile.TemporaryDirectory() as data_dir:
        failed = [one.title for one in _CHECKS if not _passes(one, Path(data_dir))]
    if failed:
        print_line(f"\nFailed: {', '.join(failed)}.")
    return 1 if failed else 0


def _passes(check: _Check, data_dir: Path) -> bool:
    """Run one check; show its output only when it fails."""
    started_at = time.monotonic()
    inherited = {name: value for name, value in os.environ.items() if name not in _PRODUCTION}
    result = subprocess.run(
        [sys.executable, *check.arguments],
        cwd=PROJECT,
        env={
            **inherited,
            "DATA_DIR": str(data_dir),
            **(_PRODUCTION if check.in_production else {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    outcome = "FAILED" if result.returncode else "ok"
    print_line(f"{check.title:<20} {outcome:<6} {time.monotonic() - started_at:5.1f} s")
    if result.returncode:
        print_line(result.stdout)
    return result.returncode == 0
