"""The benchmarks of bin/bench and their options. Standard library only: options are parsed, and
wrong ones rejected, before anything is installed or started."""

import argparse
import secrets
from typing import Any

MODULES = {
    "gateway": "benchmarks.gateway.run",
    "servers": "benchmarks.servers",
    "money": "benchmarks.money",
    "chaos": "benchmarks.chaos",
    "restarts": "benchmarks.restarts",
    "stripe": "benchmarks.stripe.run",
    "seeded_bugs": "benchmarks.seeded_bugs",
    "schemathesis": "benchmarks.schemathesis",
    "pages": "benchmarks.pages.run",
    "usage": "benchmarks.usage.run",
    "abuse": "benchmarks.abuse.run",
}
# "backend" is one session of PostgreSQL, "restart" its ordinary fast restart; a pause is SIGSTOP
# and, up to four seconds later, SIGCONT.
_FAULTS = (
    *("gateway", "worker", "beat", "backend", "postmaster", "restart", "valkey"),
    *("pause-gateway", "pause-worker", "pause-beat", "pause-backend", "pause-postmaster"),
    *("pause-postgres", "pause-valkey", "start-without-postgres", "start-without-valkey"),
)
# Each part's option, its count in a full run, and what is counted.
_STRIPE_PARTS = (
    ("forgeries", 100_000, "forged signatures at the verifier"),
    ("longest", 5, "steps of a refund story"),
    ("landings", 50, "payments one after the other"),
    ("payments", 1_000, "payments in the storm"),
    ("deliveries", 500, "deliveries for each measurement of speed"),
)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the benchmark's `name` and its options. Prints and raises SystemExit for --help and
    for invalid options."""
    parser = argparse.ArgumentParser(prog="bin/bench", description="Benchmarks and long proofs.")
    benchmarks = parser.add_subparsers(dest="name", required=True)
    _gateway(_add(benchmarks, "gateway", "the gateway's speed, beside a bare pass-through"))
    _servers(_add(benchmarks, "servers", "each web server with each HTTP client, in turns"))
    _money(_add(benchmarks, "money", "the ledger under a million operations"))
    _chaos(_add(benchmarks, "chaos", "calls while processes are killed, paused and started"))
    _restarts(_add(benchmarks, "restarts", "calls while the web processes are replaced"))
    _stripe(_add(benchmarks, "stripe", "top-ups under forgery, disorder, loss and kills"))
    _seeded_bugs(_add(benchmarks, "seeded_bugs", "whether the tests notice bugs planted by us"))
    _schemathesis(_add(benchmarks, "schemathesis", "the public API against its description"))
    _pages(_add(benchmarks, "pages", "the weight and speed of the portal's pages, in a browser"))
    _usage(_add(benchmarks, "usage", "reports, roll-ups and refusals over many records"))
    _abuse(_add(benchmarks, "abuse", "what an honest tenant notices of a hostile one"))
    options = parser.parse_args(arguments)
    if options.name == "stripe":
        _choose_all_if_none(options)
    return options


def _add(benchmarks: Any, name: str, what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = benchmarks.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    return parser


def _gateway(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=8000, help="calls a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each")
    parser.add_argument(
        "--events", type=int, default=200, help="events a stream; 0 leaves them out"
    )
    _beside(parser)


def _servers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=8000, help="calls a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each")


def _money(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--operations", type=int, default=1_000_000, help="0 leaves the part out")
    parser.add_argument("--seconds", type=float, default=3600, help="of operations at most")
    parser.add_argument("--processes", type=int, default=4, help="that operate")
    parser.add_argument("--clients", type=int, default=8, help="in each process")
    parser.add_argument("--rounds", type=int, default=20, help="of calls; 0 leaves the part out")
    parser.add_argument("--calls", type=int, default=500, help="at once, in each round")


def _chaos(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=10, help="that calls are made for")
    parser.add_argument("--rate", type=float, default=30, help="calls a second")
    parser.add_argument("--every", type=float, default=7, help="seconds between two faults")
    parser.add_argument(
        "--fault", action="append", choices=_FAULTS, help="these alone; may be given repeatedly"
    )
    _seed(parser)


def _restarts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--restarts", type=int, default=20, help="of all web processes")
    parser.add_argument("--streams", type=int, default=60, help="at any time")
    parser.add_argument("--rate", type=float, default=50, help="calls a second")
    parser.add_argument("--window", type=int, default=20, help="seconds of the drain window")


def _stripe(parser: argparse.ArgumentParser) -> None:
    for part, count, what in _STRIPE_PARTS:
        parser.add_argument(
            f"--{part}",
            type=int,
            default=argparse.SUPPRESS,
            help=f"{what}; {count} unless a part is named",
        )


def _seeded_bugs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", default="", help="bugs with this in their name")
    parser.add_argument(
        "--without-control", action="store_true", help="do not run the tests without a bug first"
    )


def _schemathesis(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--examples", type=int, default=500, help="of each operation")
    _seed(parser)


def _pages(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5, help="cold visits of each page")
    _beside(parser)


def _usage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--records", type=int, default=100_000, help="of 1,000 workspaces; 0 for the flood alone"
    )
    parser.add_argument("--seconds", type=float, default=10, help="of honest calls beside a flood")


def _abuse(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=20, help="of honest calls, twice")
    _beside(parser)
    parser.add_argument(
        "--only",
        action="append",
        choices=(
            *("slow_bodies", "large_bodies", "dense_bodies", "dense_counts"),
            *("made_up_keys", "all_slots"),
            *("hostile_connections", "refusals"),
        ),
        help="these attacks alone; may be given repeatedly",
    )
    parser.add_argument(
        "--upload-mib", type=float, default=3, help="of an honest upload at 1 Mbit/s meanwhile"
    )


def _beside(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--beside", default="", metavar="COMMIT-OR-FOLDER", help="another state, for comparison"
    )


def _seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="to repeat a run")


def _choose_all_if_none(options: argparse.Namespace) -> None:
    is_chosen = any(getattr(options, part, 0) for part, _, _ in _STRIPE_PARTS)
    for part, count, _ in _STRIPE_PARTS:
        if not hasattr(options, part):
            setattr(options, part, 0 if is_chosen else count)
