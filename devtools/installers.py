"""Runs pip, npm and apt-get: output kept for the log, failure told in one sentence."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded import failure_causes
from embedded.errors import InstallFailed
from embedded.terminal import last_lines, say


class Installers:
    """The project to install for, and the log that keeps what the installers said."""

    def __init__(self, project: Path, *, log: Path) -> None:
        self.project = project
        self._log = log

    def run(
        self, command: Sequence[str], *, doing: str, env: Mapping[str, str] | None = None
    ) -> None:
        """Run one installer to its end. Raises InstallFailed."""
        say(f"{doing}.")
        output, code = _run(command, cwd=self.project, env={**os.environ, **(env or {})})
        self._keep(command, output)
        if code:
            cause = failure_causes.of_failed_install(output)
            raise InstallFailed(
                f"{doing} failed. {cause} (log: {self._log})"
                if cause
                else f"{doing} failed; the end of {self._log}:\n{last_lines(output)}"
            )

    def _keep(self, command: Sequence[str], output: str) -> None:
        """Append to the log; a disk too full for it has a sentence of its own coming."""
        with contextlib.suppress(OSError):
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a") as log:
                log.write(f"$ {' '.join(command)}\n{output}\n")


def _run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> tuple[str, int]:
    """Return what the command printed, and its exit code; a signal to us ends it, too."""
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
