"""Refunds and disputes in every order that Stripe allows, up to a number of steps."""

import time
from collections import Counter

from billing.audit.report import audit
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.stories import StoryResult, possible_stories, run_stories

_SPENT = (0, 1_600_000)
_SIDE_BY_SIDE = 60


def run(sandbox: Sandbox, *, longest: int) -> int:
    """Run every story with and without a debt; return the number of wrong results and findings."""
    started = time.monotonic()
    sandbox.set_faults(drop_types=["*"])
    stories = possible_stories(sandbox, longest=longest)
    enumerated_s = time.monotonic() - started
    sandbox.set_faults(copies_max=2)
    both = [(story, spent) for story in stories for spent in _SPENT]
    wrong = 0
    for number in range(0, len(both), _SIDE_BY_SIDE):
        batch = both[number : number + _SIDE_BY_SIDE]
        wrong += _count_wrong(run_stories(sandbox, batch, seed=number))
    findings = audit().findings
    lengths = dict(Counter(len(story) for story in stories))
    print(
        f"orders: {len(stories)} stories by length {lengths}, each with and without a debt,"
        f" {wrong} end wrong, {len(findings)} audit findings"
        f" ({enumerated_s:.0f} s to find the stories, {time.monotonic() - started:.0f} s in all)",
        flush=True,
    )
    return wrong + len(findings)


def _count_wrong(results: list[StoryResult]) -> int:
    wrong = [one for one in results if one.actual != one.expected]
    for one in wrong:
        story = " ".join(one.story)
        print(
            f"  WRONG: {story} after {one.spent} spent: {one.actual}, not {one.expected}",
            flush=True,
        )
    return len(wrong)
