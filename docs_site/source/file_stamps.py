"""Cache keys for files: in development an edited file is read again, in production never."""

from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

Stamp = tuple[tuple[str, int], ...]


def stamp(files: Iterable[Path]) -> Stamp:
    """Return the files' names and times of change; nothing in production, without any I/O."""
    if not settings.DEVELOPMENT:
        return ()
    return tuple(sorted((file.name, file.stat().st_mtime_ns) for file in files if file.is_file()))
