"""Output for the terminal: short progress lines, one sentence on failure."""

import contextlib
import sys


def print_line(line: str = "") -> None:
    """Print a line at once. A closed terminal is no error: we must still stop our children."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


def print_error(line: str) -> None:
    """Print a line on stderr."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def capital(phrase: str) -> str:
    """Return the phrase with a capital first letter; `str.capitalize` would lower the rest."""
    return phrase[:1].upper() + phrase[1:]


def last_lines(output: str, *, count: int = 15) -> str:
    """Return the last lines of `output`, indented, to follow a sentence."""
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:])
