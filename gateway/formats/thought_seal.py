"""Our signatures of thinking blocks: what a chat upstream needs back with its thinking.

Thinking of chat completions has no signature. Clients drop or rewrite thinking without one, and
some servers refuse a conversation in which it is missing. So each block that we make is signed:

    cai1.<base64 of: 16 bytes of a MAC, then the upstream, the field it came in, opaque data>

The caller sends it back unchanged. Only the upstream that made it receives what it holds.
"""

import base64
import binascii
import hashlib
import hmac
from functools import cache
from typing import Any

import msgspec
from django.conf import settings

from gateway.request.content import OUR_SIGNATURES

_MAC_BYTES = 16
_SALT = b"gateway.formats.thought_seal"


class Thought(msgspec.Struct, frozen=True, array_like=True):
    """What a signature holds.

    `upstream` is its id in the catalogue, `field` the one that the thinking came in. `details` are
    the provider's blocks of it; `call` is what belongs to the tool call that follows.
    """

    upstream: int
    field: str
    details: list[Any] | None = None
    call: dict[str, Any] | None = None


def seal(thought: Thought) -> str:
    """Sign a thought."""
    body = msgspec.msgpack.encode(thought)
    mac = _mac(_keys()[0], body)
    return OUR_SIGNATURES + base64.urlsafe_b64encode(mac + body).decode().rstrip("=")


def open_seal(signature: Any, *, upstream: int) -> Thought | None:
    """The thought that a signature of ours holds, if this upstream made it; otherwise None."""
    if not is_ours(signature):
        return None
    encoded = str(signature).removeprefix(OUR_SIGNATURES)
    try:
        raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return None
    mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not any(hmac.compare_digest(mac, _mac(key, body)) for key in _keys()):
        return None
    thought = msgspec.msgpack.decode(body, type=Thought)
    return thought if thought.upstream == upstream else None


def is_ours(signature: Any) -> bool:
    """Whether a signature has our form; it may still be forged."""
    return isinstance(signature, str) and signature.startswith(OUR_SIGNATURES)


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC_BYTES]


def _keys() -> tuple[bytes, ...]:
    return _derived((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@cache
def _derived(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    """One key for each secret; the first signs, all verify."""
    return tuple(hashlib.sha256(_SALT + secret.encode()).digest() for secret in secrets)
