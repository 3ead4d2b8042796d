"""Reads single settings from the environment; an invalid one ends the start with one sentence.

An empty variable counts as unset. The sentence repeats the given value unless that may be or hold
a password: `LOG_LEVEL=loud makes no sense: give DEBUG, INFO, WARNING, ERROR or CRITICAL.`
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

_ON = {"1", "on", "true", "yes"}
_OFF = {"0", "off", "false", "no"}
_MOST_DIGITS = 18  # more than any setting needs, and few enough for every column and timer
_LONGEST_SHOWN = 100
_MAILBOX = re.compile(r"[^\s@<>,;:\"]+@[a-z0-9_-][a-z0-9_.-]*", re.IGNORECASE)
_HOST = re.compile(r"\*|\.?[a-z0-9_-][a-z0-9_.-]*|\[[0-9a-f:.]+\]", re.IGNORECASE)


class BadSetting(SystemExit):
    """A setting is invalid; the text is the one sentence that the operator sees.

    As a SystemExit it ends the process with the text on stderr, exit code 1 and no traceback.
    manage.py, web processes, Celery and bin/up therefore fail alike without handling it. Settings
    are read only while a process starts.
    """


def text(name: str, *, default: str = "") -> str:
    """Return the value as it was given, unchecked."""
    return os.environ.get(name) or default


def whole_number(name: str, *, default: int, smallest: int = 0, largest: int | None = None) -> int:
    """Return a number written in digits."""
    given = text(name, default=str(default))
    if not _is_whole(given, smallest=smallest, largest=largest):
        limits = f"from {smallest} to {largest}" if largest else f"of at least {smallest}"
        raise invalid(name, f"a whole number {limits}")
    return int(given)


def whole_numbers(name: str, *, defaults: Mapping[str, int]) -> dict[str, int]:
    """Read `first=1,second=2`, each at least 1; a name that is left out keeps its default."""
    given = dict(_pair(part) for part in texts(name))
    if not given.keys() <= defaults.keys() or not all(
        _is_whole(number, smallest=1) for number in given.values()
    ):
        example = ",".join(f"{key}={number}" for key, number in defaults.items())
        raise invalid(name, f"whole numbers of at least 1, such as {example}")
    return {**defaults, **{key: int(number) for key, number in given.items()}}


def seconds(name: str, *, default: float, largest: int = 86_400) -> float:
    """Return a time span above zero; fractions are allowed."""
    given = text(name, default=str(default))
    try:
        span = float(given)
    except ValueError:
        span = 0.0
    if not 0 < span <= largest:  # NaN fails this, too
        raise invalid(name, f"a number of seconds above 0 and up to {largest}")
    return span


def switch(name: str) -> bool:
    """Return whether something that is off by default was turned on."""
    given = text(name, default="off").lower()
    if given not in _ON | _OFF:
        raise invalid(name, "on or off")
    return given in _ON


def choice(name: str, *, default: str, among: Sequence[str]) -> str:
    """Return one of a few words; lower case is accepted."""
    given = text(name, default=default).upper()
    if given not in among:
        raise invalid(name, f"{', '.join(among[:-1])} or {among[-1]}")
    return given


def texts(name: str) -> list[str]:
    """Return comma-separated values."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def host_names(name: str) -> list[str]:
    """Return host names in the syntax of Django's ALLOWED_HOSTS."""
    return _each(name, _HOST.fullmatch, "host names without scheme or port, comma-separated")


def origins(name: str, *, default: str) -> list[str]:
    """Return several addresses like `https://host`, each with an optional port."""
    return _each(name, _is_origin, "addresses like https://pay.example, comma-separated") or [
        default
    ]


def origin(name: str, *, default: str) -> str:
    """Return `https://host` with an optional port; a slash at the end is dropped."""
    given = text(name, default=default).rstrip("/")
    if not _is_origin(given):
        raise invalid(name, "an address like https://caicaini.example, without a path")
    return given


def web_address(name: str, *, default: str) -> str:
    """Return an http or https address, or the default unchecked."""
    given = text(name)
    if given and not _is_web_address(given):
        raise invalid(name, "an address that begins with http:// or https://")
    return given or default


def mail_sender(name: str, *, default: str) -> str:
    """Return `Name <mailbox@host>` or the bare address."""
    given = text(name, default=default)
    mailbox, _, host = parseaddr(given)[1].rpartition("@")
    if not (mailbox and host and given.isprintable()):
        raise invalid(name, "a mail address like Caicaini <no-reply@caicaini.example>")
    return given


def mailbox(name: str) -> str:
    """Return a bare mail address, or nothing."""
    given = text(name)
    if given and _MAILBOX.fullmatch(given) is None:
        raise invalid(name, "a mail address like help@caicaini.example")
    return given


def readable_file(name: str) -> Path | None:
    """Return the path of a text file in UTF-8, or None."""
    given = text(name)
    if not given:
        return None
    try:
        Path(given).read_text(encoding="utf-8")
    except (OSError, ValueError):  # a path with a NUL, and text that is not UTF-8
        raise invalid(name, "the path of a readable text file in UTF-8") from None
    return Path(given).absolute()


def secret(name: str, *, prefixes: tuple[str, ...]) -> str:
    """Return a secret that another service issued; its prefix says what kind it is."""
    given = text(name)
    if given and not given.startswith(prefixes):
        raise invalid_secret(name, "one that begins with " + " or ".join(prefixes))
    return given


def secrets(name: str, *, prefix: str) -> list[str]:
    """Return several such secrets, given comma-separated."""
    given = texts(name)
    if not all(part.startswith(prefix) for part in given):
        raise invalid_secret(name, f"values that begin with {prefix}, comma-separated")
    return given


def require(name: str, found: str) -> None:
    """End the start of a process that cannot work without this setting."""
    if not found:
        raise BadSetting(f"{name} is not set, and bin/up does not run on this DATA_DIR: set it.")


def invalid(name: str, expected: str) -> BadSetting:
    """Return the error for a setting whose value may be shown."""
    given = text(name)
    if "@" in given:  # an address perhaps, with a password in it
        return invalid_secret(name, expected)
    shown = given if given.isprintable() else ascii(given)
    if len(shown) > _LONGEST_SHOWN:
        shown = f"{shown[:_LONGEST_SHOWN]}…"
    return BadSetting(f"{name}={shown} makes no sense: give {expected}.")


def invalid_secret(name: str, expected: str) -> BadSetting:
    """Return the error for a setting whose value must not appear on a screen or in a log."""
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
        raise invalid(name, expected)
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
