"""Verify that a webhook delivery is Stripe's: its signature, and its age in both directions.

A header looks like `t=1492774577,v1=5257a8…,v1=6ffbb5…`; each `v1` is HMAC-SHA256 over
`1492774577.` and the raw body. There are two while Stripe's secret is being rolled, and we accept
two secrets meanwhile. No I/O, no clock.
"""

from collections.abc import Sequence

import stripe

from billing.errors import BadWebhook

LARGEST_SKEW_S = 300
_LONGEST_HEADER = 1_000


def verify(body: bytes, header: str, *, secrets: Sequence[str], now: float) -> None:
    """Raise BadWebhook unless one of `secrets` signed this body within 300 s of `now`."""
    _check_age(header, now)
    if not any(_is_signed(body, header, secret) for secret in secrets):
        raise BadWebhook("the signature was made with none of our secrets")


def _check_age(header: str, now: float) -> None:
    """Refuse old deliveries and those from the future; Stripe's library refuses only old ones."""
    stamps = [part[2:] for part in header.split(",") if part.startswith("t=")]
    if len(header) > _LONGEST_HEADER or len(stamps) != 1:
        raise BadWebhook("the signature header is malformed")
    [stamp] = stamps
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise BadWebhook("the signature's time is not a number of seconds")
    if abs(now - int(stamp)) > LARGEST_SKEW_S:
        raise BadWebhook("the signature's time is too far from now")


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    try:
        # No tolerance here: the age is checked above, by the caller's clock.
        stripe.WebhookSignature.verify_header(body, header, secret)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, TypeError):
        # The body is not valid UTF-8, or the signature is not ASCII.
        return False
    return True
