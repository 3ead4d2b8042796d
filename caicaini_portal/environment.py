"""Reads one setting each from the environment; one that makes no sense ends the start.

An empty variable counts as unset. The sentence repeats what was given, except where it may hold a
password or is one: `LOG_LEVEL=loud makes no sense: give DEBUG, INFO, WARNING, ERROR or CRITICAL.`
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from email.utils import parseaddr
from urllib.parse import urlsplit

_ON = {"1", "on", "true", "yes"}
_OFF = {"0", "off", "false", "no"}
_MOST_DIGITS = 18  # more than any setting needs, and few enough for every column and timer
_LONGEST_SHOWN = 100
_HOST = re.compile(r"\*|\.?[a-z0-9_-][a-z0-9_.-]*|\[[0-9a-f:.]+\]", re.IGNORECASE)


class BadSetting(SystemExit):
    """A setting makes no sense; the text is all that the person who starts us gets to see.

    Python ends a process with it as with any SystemExit: the text on stderr, exit code 1, no
    traceback. So it is the same in manage.py, a web process, Celery and bin/up, and none of them
    needs to know of it. Settings are read while a process starts, and then never again.
    """


def text(name: str, *, default: str = "") -> str:
    """Return what was given, whatever it is."""
    return os.environ.get(name) or default


def whole_number(name: str, *, default: int, smallest: int = 0, largest: int | None = None) -> int:
    """Return a number written in digits."""
    given = text(name, default=str(default))
    if not _is_whole(given, smallest=smallest, largest=largest):
        limits = f"from {smallest} to {largest}" if largest else f"of at least {smallest}"
        raise nonsense(name, f"a whole number {limits}")
    return int(given)


def whole_numbers(name: str, *, defaults: Mapping[str, int]) -> dict[str, int]:
    """Read `first=1,second=2`, each at least 1; what is not named keeps its default."""
    given = dict(_pair(part) for part in texts(name))
    if not given.keys() <= defaults.keys() or not all(
        _is_whole(number, smallest=1) for number in given.values()
    ):
        example = ",".join(f"{key}={number}" for key, number in defaults.items())
        raise nonsense(name, f"whole numbers of at least 1, such as {example}")
    return {**defaults, **{key: int(number) for key, number in given.items()}}


def seconds(name: str, *, default: float, largest: int = 86_400) -> float:
    """Return a time span; fractions are fine, nothing and less are not."""
    given = text(name, default=str(default))
    try:
        span = float(given)
    except ValueError:
        span = 0.0
    if not 0 < span <= largest:  # not a number fails this as well
        raise nonsense(name, f"a number of seconds above 0 and up to {largest}")
    return span


def switch(name: str) -> bool:
    """Return whether something that is off by itself was turned on."""
    given = text(name, default="off").lower()
    if given not in _ON | _OFF:
        raise nonsense(name, "on or off")
    return given in _ON


def choice(name: str, *, default: str, among: Sequence[str]) -> str:
    """Return one of a few words, which may be given in lower case."""
    given = text(name, default=default).upper()
    if given not in among:
        raise nonsense(name, f"{', '.join(among[:-1])} or {among[-1]}")
    return given


def texts(name: str) -> list[str]:
    """Return the parts between commas."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def host_names(name: str) -> list[str]:
    """Return host names as Django's ALLOWED_HOSTS has them."""
    return _each(name, _HOST.fullmatch, "host names without scheme or port, comma-separated")


def origins(name: str, *, default: str) -> list[str]:
    """Return `https://host` several times, each perhaps with a port."""
    return _each(name, _is_origin, "addresses like https://pay.example, comma-separated") or [
        default
    ]


def origin(name: str, *, default: str) -> str:
    """Return `https://host`, perhaps with a port; a slash at the end is dropped."""
    given = text(name, default=default).rstrip("/")
    if not _is_origin(given):
        raise nonsense(name, "an address like https://caicaini.example, without a path")
    return given


def web_address(name: str, *, default: str) -> str:
    """Return an http or https address, or the default unread."""
    given = text(name)
    if given and not _is_web_address(given):
        raise nonsense(name, "an address that begins with http:// or https://")
    return given or default


def mail_sender(name: str, *, default: str) -> str:
    """Return `Name <mailbox@host>` or the bare address."""
    given = text(name, default=default)
    mailbox, _, host = parseaddr(given)[1].rpartition("@")
    if not (mailbox and host and given.isprintable()):
        raise nonsense(name, "a mail address like Caicaini <no-reply@caicaini.example>")
    return given


def secret(name: str, *, prefixes: tuple[str, ...]) -> str:
    """Return a key of somebody else's, told from other keys by how it begins."""
    given = text(name)
    if given and not given.startswith(prefixes):
        raise secret_nonsense(name, "one that begins with " + " or ".join(prefixes))
    return given


def secrets(name: str, *, prefix: str) -> list[str]:
    """Return such keys, comma-separated."""
    given = texts(name)
    if not all(part.startswith(prefix) for part in given):
        raise secret_nonsense(name, f"values that begin with {prefix}, comma-separated")
    return given


def require(name: str, found: str) -> None:
    """End the start of a process that is nothing without this setting."""
    if not found:
        raise BadSetting(f"{name} is not set, and bin/up does not run on this DATA_DIR: set it.")


def nonsense(name: str, expected: str) -> BadSetting:
    """Return the error for a setting that may be shown."""
    given = text(name)
    if "@" in given:  # an address perhaps, with a password in it
        return secret_nonsense(name, expected)
    shown = given if given.isprintable() else ascii(given)
    if len(shown) > _LONGEST_SHOWN:
        shown = f"{shown[:_LONGEST_SHOWN]}…"
    return BadSetting(f"{name}={shown} makes no sense: give {expected}.")


def secret_nonsense(name: str, expected: str) -> BadSetting:
    """Return the error for a setting that nobody looking over a shoulder may read."""
    return BadSetting(f"{name} makes no sense as it is: give {expected}.")


def _is_whole(given: str, *, smallest: int, largest: int | None = None) -> bool:
    if not (given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS):
        return False
    return smallest <= int(given) and (largest is None or int(given) <= largest)


def _pair(part: str) -> tuple[str, str]:
    key, _, number = part.partition("=")
    return key.strip(), number.strip()


def _each(name: str, is_good: Callable[[str], object], expected: str) -> list[str]:
    given = texts(name)
    if not all(is_good(part) for part in given):
        raise nonsense(name, expected)
    return given


def _is_web_address(given: str) -> bool:
    try:
        url = urlsplit(given)
        return (
            url.scheme in {"http", "https"}
            and bool(url.hostname)
            and url.port != 0  # asking for the port also checks it
            and given.isprintable()
            and " " not in given
        )
    except ValueError:
        return False


def _is_origin(given: str) -> bool:
    return _is_web_address(given) and re.fullmatch(r"https?://[^/?#@]+", given) is not None
