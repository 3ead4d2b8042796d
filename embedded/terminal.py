"""What the person at the terminal reads: short progress lines, one sentence on failure."""

import contextlib
import sys


def say(line: str = "") -> None:
    """Print a line at once; a terminal that was closed must not keep us from stopping."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


def complain(line: str) -> None:
    """Print a line on stderr."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def capital(phrase: str) -> str:
    """Return the phrase as it begins a sentence; `str.capitalize` would lower the rest."""
    return phrase[:1].upper() + phrase[1:]


def last_lines(output: str, *, count: int = 15) -> str:
    """Return the end of `output`, indented, to stand under a sentence."""
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:])
