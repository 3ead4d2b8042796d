"""Refunds and disputes in every order that Stripe allows, up to a length."""

import time
from collections import Counter

from billing.audit import audit
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.stories import Story, stories, tell

_SPENT = (0, 1_600_000)


def run(sandbox: Sandbox, *, longest: int) -> int:
    """Tell every story with and without a debt; return how many end otherwise than they should."""
    started = time.monotonic()
    sandbox.set_faults(drop_types=["*"])
    told = stories(sandbox, longest=longest)
    sandbox.set_faults(copies_max=2)
    wrong = [
        story
        for number, story in enumerate(told)
        for spent in _SPENT
        if not _ends_right(sandbox, story, spent=spent, seed=number)
    ]
    findings = audit().findings
    lengths = dict(Counter(len(story) for story in told))
    print(
        f"orders: {len(told)} stories by length {lengths}, each with and without a debt,"
        f" {len(wrong)} end wrong, {len(findings)} findings of the audit"
        f" ({time.monotonic() - started:.0f} s)",
        flush=True,
    )
    return len(wrong) + len(findings)


def _ends_right(sandbox: Sandbox, story: Story, *, spent: int, seed: int) -> bool:
    ours, right = tell(sandbox, story, spent=spent, seed=seed)
    if ours != right:
        print(f"  WRONG: {' '.join(story)} after {spent} spent: {ours}, not {right}", flush=True)
    return ours == right
