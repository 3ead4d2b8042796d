"""Runs Python samples, one after another, in this one process.

Each line on stdin is a folder; its python.py runs there. What it prints goes to stdout.txt and
stderr.txt in the folder, and its exit status to our stdout.
"""

import os
import runpy
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path


def run(folder: Path) -> int:
    """Run the folder's sample; return its exit status."""
    os.chdir(folder)
    with (
        Path("stdout.txt").open("w") as out,
        Path("stderr.txt").open("w") as err,
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            runpy.run_path("python.py", run_name="__main__")
        except SystemExit as end:
            if end.code not in (None, 0):
                sys.stderr.write(f"{end.code}\n")
                return 1
        except BaseException:  # noqa: BLE001 (reported as this sample's failure)
            traceback.print_exc()
            return 1
    return 0


for line in sys.stdin:
    sys.stdout.write(f"{run(Path(line.strip()))}\n")
    sys.stdout.flush()
