"""Runs the official TypeScript SDK, in Node."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support import node
from tests.support.customers import Customer

SCRIPT = Path(__file__).with_name("typescript_sdk.mjs")


def run(scenario: str, customer: Customer, prompt: str = "Hello", *models: str) -> Any:
    """Run a scenario of the script; return what it saw. `models` are those it goes through."""
    address = (customer.url, customer.token)
    command = [node.executable(), str(SCRIPT), scenario, *address, prompt, *models]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
