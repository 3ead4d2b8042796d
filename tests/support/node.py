"""Runs JavaScript in Node."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from embedded.subprocesses import PROJECT


def evaluate(module: str, code: str) -> Any:
    """Append `code` to a module of static/js and run both; return the JSON that it prints.

    Through stdin, because Node takes a .js file for CommonJS. The module may import packages alone.
    """
    source = (PROJECT / "static/js" / module).read_text()
    done = subprocess.run(
        [executable(), "--input-type=module"],
        input=f"{source}\n{code}",
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def search_path() -> str:
    """Return the PATH, and behind it the folder of our Python, where a wheel may have put Node."""
    return os.pathsep.join([os.environ["PATH"], str(Path(sys.executable).parent)])


def executable() -> str:
    """Return Node's path."""
    found = shutil.which("node", path=search_path())
    assert found is not None, "there is no Node.js"
    return found
