"""Runs pip, npm and apt-get: logs their output, reports a failure in one sentence."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded import failure_causes
from embedded.errors import InstallFailed
from embedded.terminal import last_lines, print_line


class Installers:
    """Runs installers for a project, with one log for their output."""

    def __init__(self, project: Path, *, log: Path) -> None:
        self.project = project
        self._log = log

    def run(
        self, command: Sequence[str], *, doing: str, env: Mapping[str, str] | None = None
    ) -> None:
        """Run one installer to its end. Raises InstallFailed."""
        print_line(f"{doing}.")
        output, code = _run(command, cwd=self.project, env={**os.environ, **(env or {})})
        self._append_to_log(command, output)
        if code:
            cause = failure_causes.of_failed_install(output)
            raise InstallFailed(
                f"{doing} failed. {cause} (log: {self._log})"
                if cause
                else f"{doing} failed; the end of {self._log}:\n{last_lines(output)}"
            )

    def _append_to_log(self, command: Sequence[str], output: str) -> None:
        """Append to the log. A full disk is ignored here: the installer's output reports it."""
        with contextlib.suppress(OSError):
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a") as log:
                log.write(f"$ {' '.join(command)}\n{output}\n")


def _run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> tuple[str, int]:
    """Return the command's output and exit code; a signal that stops us ends it, too."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    return output, process.returncode
