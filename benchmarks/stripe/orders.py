"""Refunds and disputes in every order that Stripe allows, up to a length."""

import time
from collections import Counter

from billing.audit.report import audit
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.stories import Ending, stories, tell

_SPENT = (0, 1_600_000)
_SIDE_BY_SIDE = 60


def run(sandbox: Sandbox, *, longest: int) -> int:
    """Tell every story with and without a debt; return how many end otherwise than they should."""
    started = time.monotonic()
    sandbox.set_faults(drop_types=["*"])
    told = stories(sandbox, longest=longest)
    enumerated_s = time.monotonic() - started
    sandbox.set_faults(copies_max=2)
    both = [(story, spent) for story in told for spent in _SPENT]
    wrong = 0
    for number in range(0, len(both), _SIDE_BY_SIDE):
        endings = tell(sandbox, both[number : number + _SIDE_BY_SIDE], seed=number)
        wrong += _count_wrong(endings)
    findings = audit().findings
    lengths = dict(Counter(len(story) for story in told))
    print(
        f"orders: {len(told)} stories by length {lengths}, each with and without a debt,"
        f" {wrong} end wrong, {len(findings)} findings of the audit"
        f" ({enumerated_s:.0f} s to find them, {time.monotonic() - started:.0f} s in all)",
        flush=True,
    )
    return wrong + len(findings)


def _count_wrong(endings: list[Ending]) -> int:
    wrong = [one for one in endings if one.ours != one.right]
    for one in wrong:
        story = " ".join(one.story)
        print(f"  WRONG: {story} after {one.spent} spent: {one.ours}, not {one.right}", flush=True)
    return len(wrong)
