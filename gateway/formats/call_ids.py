"""Ids of tool calls as a server accepts them, the same for a call and its result.

A conversation may come from another server: Kimi's ids are `functions.clock:0`, others are longer
than OpenAI's 40 characters. One that does not fit is replaced by a digest of itself, so that the
conversation stays the same from call to call, and prompt caches stay valid.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@cache
def mapper(pattern: str) -> Callable[[str], str]:
    """A function that maps ids to a pattern such as `[a-zA-Z0-9_-]{1,40}`."""
    fits = re.compile(pattern).fullmatch
    most = int(pattern.rpartition(",")[2].rstrip("}"))

    def mapped(call_id: str) -> str:
        return call_id if fits(call_id) else _digest(call_id)[:most]

    return mapped


def _digest(call_id: str) -> str:
    number = int.from_bytes(hashlib.sha256(call_id.encode()).digest(), "big")
    digits = []
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
