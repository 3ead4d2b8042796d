"""Forged deliveries against the signature verifier."""

from collections import Counter

from billing.errors import BadWebhook
from billing.stripe.signatures import verify
from tests.billing.top_ups.forgeries import BODY, NOW, SECRETS, forgeries, signature


def run(*, count: int) -> int:
    """Return how many kinds of forgery were accepted; raise if a genuine delivery is not."""
    verify(BODY, signature(BODY, SECRETS[1]), secrets=SECRETS, now=NOW)
    tried: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    for one in forgeries(count, seed=count):
        tried[one.how] += 1
        try:
            verify(one.body, one.header, secrets=SECRETS, now=NOW)
        except BadWebhook:
            continue
        accepted[one.how] += 1
    total = sum(accepted.values())
    print(f"forgeries: {count:,} of {len(tried)} kinds, {total} accepted", flush=True)
    for how, number in accepted.items():
        print(f"  ACCEPTED: {number} with {how}")
    return len(accepted)
