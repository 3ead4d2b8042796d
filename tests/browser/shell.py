"""A user's shell: runs commands exactly as they were copied from a page."""

import codecs
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

# In curl's own settings file, so that the command itself stays as it was copied.
_CURLRC = """\
silent
show-error
noproxy = "localhost"
max-time = 600
write-out = "\\n%{http_code}"
"""


class Answer(NamedTuple):
    """What curl printed, and the HTTP status."""

    status: int
    text: str

    def json(self) -> Any:
        """Return the body's value."""
        return json.loads(self.text)


class Shell:
    """A shell whose curl has the settings above."""

    def __init__(self, folder: Path) -> None:
        (folder / ".curlrc").write_text(_CURLRC)
        self._env: Mapping[str, str] = {**os.environ, "CURL_HOME": str(folder)}

    def run(self, command: str) -> Answer:
        """Run a curl command to its end."""
        return _answer("".join(self.pieces(command)))

    def pieces(self, command: str) -> Iterator[str]:
        """Yield the output of a curl command in the pieces in which it arrives."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        with subprocess.Popen(["sh", "-c", command], env=self._env, stdout=subprocess.PIPE) as curl:
            assert curl.stdout is not None
            while piece := os.read(curl.stdout.fileno(), 65536):
                yield decoder.decode(piece)
        assert curl.returncode == 0, f"curl ended with {curl.returncode}"


def _answer(printed: str) -> Answer:
    text, _, status = printed.rpartition("\n")
    return Answer(int(status), text)
