"""Recognises a fault of our account at a provider in the refusal of a request.

Some providers answer with a 400 when a key has expired or an account has no credit left. The caller
can do nothing about that, and another upstream may answer.
"""

import re
from typing import Any

_CODES = frozenset(
    {
        *("invalid_api_key", "insufficient_quota", "billing_error"),
        *("Arrearage", "budget_exceeded", "auth_error"),  # Alibaba Cloud, and LiteLLM for the rest
    }
)
_KEY = r"\bapi[ _-]?keys?"
_WORDS = re.compile(
    rf"(?:incorrect|invalid|expired|revoked) {_KEY} provided"
    rf"|{_KEY} (?:is |has been |has )?(?:not valid|invalid|expired|revoked|disabled)\b"
    r"|credit balance is too low|insufficient (?:account )?(?:balance|credits?|funds)\b"
    r"|reached your specified api usage limits|budget has been exceeded|exceeded ?token ?budget"
    r"|(?:organization|account)\b.{0,20} has been (?:disabled|suspended|deactivated)"
    r"|your account is in good standing|user location is not supported",
    re.IGNORECASE,
)


def is_one(error: dict[str, Any], text: str, sent: bytes) -> bool:
    """Whether the error is one; `text` is its message, `sent` the request that was refused. Words
    that stand in the request as well say nothing, since servers quote requests."""
    if not _CODES.isdisjoint(_words_of(error, "code", "type")):
        return True
    found = _WORDS.search(text)
    return found is not None and found[0].encode() not in sent


def _words_of(error: dict[str, Any], *names: str) -> list[str]:
    return [error[name] for name in names if isinstance(error.get(name), str)]
