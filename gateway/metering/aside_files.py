"""Files beside the journals, with the lines that could not be applied."""

import logging
import time
from datetime import timedelta
from pathlib import Path

logger = logging.getLogger(__name__)


def delete_old(folder: Path, *, kept: timedelta) -> int:
    """Delete the files that nothing was added to for so long; return how many."""
    before = time.time() - kept.total_seconds()
    old = [path for path in folder.glob("*.aside") if path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
        logger.warning("deleted %s: nobody has looked at it for %d days", path, kept.days)
    return len(old)
