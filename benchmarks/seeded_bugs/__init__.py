"""`bin/bench seeded_bugs`: bugs planted one by one, each of which must turn the suite red."""

from benchmarks.seeded_bugs.run import main

__all__ = ["main"]
