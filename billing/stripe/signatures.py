"""Whether a webhook delivery is Stripe's: its signature, and its age in both directions.

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
        raise BadWebhook("no secret of ours made this signature")


def _check_age(header: str, now: float) -> None:
    """The library refuses what is too old and takes what is from the future: we refuse both."""
    stamps = [part[2:] for part in header.split(",") if part.startswith("t=")]
    if len(header) > _LONGEST_HEADER or len(stamps) != 1:
        raise BadWebhook("the signature header is not one of Stripe's")
    [stamp] = stamps
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise BadWebhook("the signature's time is no time")
    if abs(now - int(stamp)) > LARGEST_SKEW_S:
        raise BadWebhook("the signature's time is too far from now")


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    try:
        # No tolerance here: the age is checked above, by the caller's clock.
        stripe.WebhookSignature.verify_header(body, header, secret)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, TypeError):
        # A body that is no UTF-8; a signature with letters that cannot be compared.
        return False
    return True
