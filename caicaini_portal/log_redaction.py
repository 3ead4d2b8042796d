"""Formatters of log lines that leave out what opens something: links in mails, and keys.

Django logs the path of a request that fails, and a link in a mail is a path.
"""

import logging
import re

from pythonjsonlogger.json import JsonFormatter

_SECRET = re.compile(
    r"(?P<before>/confirm-email/|/password/reset/key/|cai_api_)(?P<secret>[^/\s'\"<>]+)"
)


def redacted(line: str) -> str:
    """Return the line with each secret replaced by an ellipsis."""
    return _SECRET.sub(r"\g<before>…", line)


class Readable(logging.Formatter):
    """Readable lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return redacted(super().format(record))


class Json(JsonFormatter):
    """One JSON object for each line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return redacted(super().format(record))
