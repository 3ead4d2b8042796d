"""Lines that no journal could apply are kept for an operator, for a while."""

import os
import time
from datetime import timedelta
from pathlib import Path

from gateway.metering import aside_files

DAY_S = 24 * 3600


def test_old_files_are_deleted_and_journals_never(tmp_path: Path) -> None:
    for name, days in {"1.aside": 200, "2.aside": 100, "3.journal": 200}.items():
        path = tmp_path / name
        path.write_text("a line\n")
        then = time.time() - days * DAY_S
        os.utime(path, (then, then))

    assert aside_files.delete_old(tmp_path, kept=timedelta(days=180)) == 1

    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.aside", "3.journal"]
    assert aside_files.delete_old(tmp_path / "nowhere", kept=timedelta(days=1)) == 0
