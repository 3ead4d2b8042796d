"""Shows a log's errors on the terminal; other lines stay in the file."""

import contextlib
import re
from pathlib import Path

from embedded.terminal import print_line

# The start of a record: a date (our plain format), a brace (our JSON), a date in brackets (Celery)
# or a level (uvicorn, before it has loaded our settings). Any other line, for example of a
# traceback, belongs to the record before it.
_RECORD = re.compile(r"\d{4}-\d\d-\d\d |\{|\[|[A-Z]+: ")
_ERROR = re.compile(r"\b(ERROR|CRITICAL)\b")


class ErrorLines:
    """Follows one log from its current end on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._position = log.stat().st_size
        self._in_error = False

    def show_new(self) -> None:
        """Print the errors added since the last call; none if the log was deleted."""
        with contextlib.suppress(FileNotFoundError), self._log.open("rb") as lines:
            lines.seek(self._position)
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # still being written
                self._position += len(line)
                self._show(line.decode(errors="replace").rstrip())

    def _show(self, line: str) -> None:
        if _RECORD.match(line):
            self._in_error = bool(_ERROR.search(line))
        elif line.startswith("Traceback"):
            self._in_error = True
        if self._in_error:
            print_line(line)
