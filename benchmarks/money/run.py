"""The parts in their order; exit code 1 when a promise is broken."""

import argparse

from django.core.management import call_command

from benchmarks.money import exhaustion, million


def main(arguments: list[str]) -> int:
    """Run the parts that were asked for, or all; print what each found."""
    options = _options(arguments)
    call_command("migrate", verbosity=0)
    broken = 0
    if options.operations:
        broken += million.run(
            operations=options.operations,
            seconds=options.seconds,
            processes=options.processes,
            clients=options.clients,
        )
    if options.rounds:
        broken += exhaustion.run(rounds=options.rounds, calls=options.calls)
    print("every promise is kept" if not broken else f"{broken} PROMISES ARE BROKEN", flush=True)
    return 1 if broken else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench money", description=main.__doc__)
    parser.add_argument("--operations", type=int, default=1_000_000, help="0 leaves the part out")
    parser.add_argument("--seconds", type=float, default=3600, help="of operations at most")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--clients", type=int, default=8, help="in each process")
    parser.add_argument("--rounds", type=int, default=20, help="of calls; 0 leaves the part out")
    parser.add_argument("--calls", type=int, default=500, help="at once, in each round")
    return parser.parse_args(arguments)
