"""`bin/bench schemathesis`: the schemathesis test of the suite with many more examples."""

import argparse
import os
import subprocess
import sys

_TEST = (
    "tests/gateway/openapi/test_openapi_document.py::test_schemathesis_finds_nothing_undescribed"
)


def main(options: argparse.Namespace) -> int:
    """Run the test with as many examples as asked for; return its exit code."""
    print(f"{options.examples} examples of each operation, with the seed {options.seed}")
    asked = {
        "SCHEMATHESIS_EXAMPLES": str(options.examples),
        "SCHEMATHESIS_SEED": str(options.seed),
    }
    command = [sys.executable, "-m", "pytest", "-q", _TEST]
    return subprocess.run(command, env=os.environ | asked, check=False).returncode
