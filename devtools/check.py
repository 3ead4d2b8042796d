"""`bin/check`: format, lint, types, import rules, templates, migrations, deployment settings."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from embedded.subprocesses import PROJECT
from embedded.terminal import say

# Django's deployment check needs settings as production has them, and no server behind them.
_PRODUCTION = {
    "SECRET_KEY": "only-for-the-deployment-check-and-long-enough-to-pass-it-0123456789",
    "PUBLIC_URL": "https://caicaini.example",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp://127.0.0.1:1",
}

# Its script names the folder it was installed in; this works in a clone that was moved, too.
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
    """Run all checks, also after one has failed; return 1 when any has."""
    with tempfile.TemporaryDirectory() as data_dir:
        failed = [one.title for one in _CHECKS if not _passes(one, Path(data_dir))]
    if failed:
        say(f"\nFailed: {', '.join(failed)}.")
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
    verdict = "FAILED" if result.returncode else "ok"
    say(f"{check.title:<20} {verdict:<6} {time.monotonic() - started_at:5.1f} s")
    if result.returncode:
        say(result.stdout)
    return result.returncode == 0
