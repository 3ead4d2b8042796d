"""`python -m benchmarks NAME [OPTION]...`; without a name, says what there is."""

import sys
from importlib import import_module

# Imported only when asked for: some need Django, all cost time.
_BENCHMARKS = {
    "gateway": "benchmarks.gateway.run",
    "servers": "benchmarks.servers",
    "money": "benchmarks.money",
    "chaos": "benchmarks.chaos",
    "stripe": "benchmarks.stripe.run",
    "seeded_bugs": "benchmarks.seeded_bugs",
    "schemathesis": "benchmarks.schemathesis",
}


def main(arguments: list[str]) -> int:
    """Run one benchmark with its options; return its exit code."""
    if not arguments or arguments[0] not in _BENCHMARKS:
        print(f"usage: bin/bench {' | '.join(_BENCHMARKS)} [--help]")
        return 2
    name, *options = arguments
    exit_code: int = import_module(_BENCHMARKS[name]).main(options)
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
