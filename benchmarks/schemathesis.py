"""`bin/bench schemathesis`: what the tests ask of /openapi.json and the gateway, for longer."""

import argparse
import os
import random
import subprocess
import sys

_TEST = "tests/gateway/test_describes_itself.py::test_schemathesis_finds_nothing_undescribed"


def main(arguments: list[str]) -> int:
    """Run the test with as many examples as asked for; return its exit code."""
    options = _options(arguments)
    print(f"{options.examples} examples of each operation, with the seed {options.seed}")
    asked = {
        "SCHEMATHESIS_EXAMPLES": str(options.examples),
        "SCHEMATHESIS_SEED": str(options.seed),
    }
    command = [sys.executable, "-m", "pytest", "-q", _TEST]
    return subprocess.run(command, env=os.environ | asked, check=False).returncode


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench schemathesis", description=__doc__)
    parser.add_argument("--examples", type=int, default=500, help="of each operation")
    parser.add_argument("--seed", type=int, default=random.getrandbits(32), help="to repeat a run")
    return parser.parse_args(arguments)
