"""The `Stripe-Signature` header.

Worked example: `t=1492774577,v1=5257a8…,v1=6ffbb5…` with one `v1` for each valid secret, two
during a rotation. Each is HMAC-SHA256 over `1492774577.` and the raw body.
"""

import hashlib
import hmac
from collections.abc import Sequence


def header(body: bytes, secrets: Sequence[str], timestamp: int) -> str:
    signed = f"{timestamp}.".encode() + body
    digests = (hmac.new(one.encode(), signed, hashlib.sha256).hexdigest() for one in secrets)
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])
