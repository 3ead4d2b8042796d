"""Forged deliveries at the verifier."""

from collections import Counter

from billing.errors import BadWebhook
from billing.stripe.signatures import verify
from tests.billing.top_ups.forgeries import BODY, NOW, SECRETS, forgeries, signature


def run(*, count: int) -> int:
    """Return how many kinds of forgery were taken; a good delivery has to be."""
    verify(BODY, signature(BODY, SECRETS[1]), secrets=SECRETS, now=NOW)
    tried: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for one in forgeries(count, seed=count):
        tried[one.how] += 1
        try:
            verify(one.body, one.header, secrets=SECRETS, now=NOW)
        except BadWebhook:
            continue
        taken[one.how] += 1
    print(f"forgeries: {count:,} of {len(tried)} kinds, {sum(taken.values())} taken", flush=True)
    for how, number in taken.items():
        print(f"  TAKEN: {number} with {how}")
    return len(taken)
