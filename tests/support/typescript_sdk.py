"""Runs the official TypeScript SDK, in Node."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.customers import Customer

SCRIPT = Path(__file__).with_name("typescript_sdk.mjs")


def run(scenario: str, customer: Customer, prompt: str = "Hello") -> Any:
    """Run a scenario of the script; return what it saw."""
    # Where the PATH has no Node, a wheel has put one beside our Python.
    path = os.pathsep.join([os.environ["PATH"], str(Path(sys.executable).parent)])
    node = shutil.which("node", path=path)
    assert node is not None, "there is no Node.js"
    command = [node, str(SCRIPT), scenario, customer.url, customer.token, prompt]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
