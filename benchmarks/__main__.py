"""`python -m benchmarks NAME [OPTION]...`, as bin/bench calls it once its servers run."""

import sys
from importlib import import_module

from benchmarks import command_line


def main(arguments: list[str]) -> int:
    """Run one benchmark with its options; return its exit code."""
    options = command_line.parse(arguments)
    # Imported only when it is to run: some need Django, and every import costs time.
    exit_code: int = import_module(command_line.MODULES[options.name]).main(options)
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
