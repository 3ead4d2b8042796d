"""The parts in their order; exit code 1 when a promise is broken."""

import argparse

from django.core.management import call_command

from benchmarks.money import exhaustion, million


def main(options: argparse.Namespace) -> int:
    """Run the chosen parts, or all; print the results of each."""
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
