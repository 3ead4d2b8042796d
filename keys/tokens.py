"""The token format: `cai_api_` + 32 random base62 characters + 6 characters of checksum.

Example: cai_api_4sYqXw0ZbTn7KfLhRgEa2JcVdU5iMp9o1ynZZl. The checksum is the CRC-32 of everything
before it, in base62, zero-padded: it rejects a mistyped or invented token without a look-up, and
lets secret scanners recognize real ones. Published pattern: cai_api_[0-9A-Za-z]{38}
"""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "cai_api_"
_RANDOM_LENGTH = 32  # 62^32 is 190 bits
_CHECKSUM_LENGTH = 6  # 62^6 > 2^32
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]  # 62^2 numbers, two digits each
_SHAPE = re.compile(r"cai_api_[0-9A-Za-z]{38}", re.ASCII)


def new_token() -> str:
    """Return a fresh token from the operating system's random source."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return body + _checksum(body)


def is_well_formed(token: str) -> bool:
    """Return whether shape and checksum are right; needs no I/O."""
    if _SHAPE.fullmatch(token) is None:
        return False
    body, checksum = token[:-_CHECKSUM_LENGTH], token[-_CHECKSUM_LENGTH:]
    return _checksum(body) == checksum


def digest(token: str) -> bytes:
    """Return the hash that is stored. A token has 190 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()


def hint(token: str) -> str:
    """Return the part that may be shown: cai_api_Ab3…x9Zk."""
    return f"{token[: len(PREFIX) + 3]}…{token[-4:]}"


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    return _PAIRS[number // 62**4] + _PAIRS[number // 62**2 % 62**2] + _PAIRS[number % 62**2]
