"""What bin/bench can run. Standard library only: it is read before anything is installed."""

MODULES = {
    "gateway": "benchmarks.gateway.run",
    "servers": "benchmarks.servers",
    "money": "benchmarks.money",
    "chaos": "benchmarks.chaos",
    "stripe": "benchmarks.stripe.run",
    "seeded_bugs": "benchmarks.seeded_bugs",
    "schemathesis": "benchmarks.schemathesis",
}
USAGE = f"usage: bin/bench {' | '.join(MODULES)} [--help]"


def is_named(arguments: list[str]) -> bool:
    """Tell whether a command line begins with the name of a benchmark."""
    return bool(arguments) and arguments[0] in MODULES
