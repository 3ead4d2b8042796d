"""Shows a log's errors on the terminal; other lines stay in the file."""

import os
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
        self._file = log.open("rb")
        self._file.seek(0, os.SEEK_END)
        self._in_error = False

    def show_new(self) -> None:
        """Print the errors added since the last call, also of a file that was replaced since."""
        self._show_rest()
        while self._was_replaced():
            self._file.close()
            self._file = self._log.open("rb")
            self._show_rest()

    def _was_replaced(self) -> bool:
        """Whether there is another file of the log's name; a deleted log is followed no further."""
        try:
            return not os.path.samestat(os.fstat(self._file.fileno()), self._log.stat())
        except FileNotFoundError:
            return False

    def _show_rest(self) -> None:
        for line in self._file:
            if not line.endswith(b"\n"):
                self._file.seek(-len(line), os.SEEK_CUR)  # still being written
                break
            self._show(line.decode(errors="replace").rstrip())

    def _show(self, line: str) -> None:
        if _RECORD.match(line):
            self._in_error = bool(_ERROR.search(line))
        elif line.startswith("Traceback"):
            self._in_error = True
        if self._in_error:
            print_line(line)
