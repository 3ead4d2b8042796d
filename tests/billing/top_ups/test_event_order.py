"""Refunds and disputes in every order, with their events processed in every order."""

from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.stories import possible_stories, run_stories


def test_every_story_of_up_to_three_steps_ends_as_stripes_objects_say(sandbox: Sandbox) -> None:
    """In every second one most of the credits were spent before, so that some become owed."""
    sandbox.set_faults(drop_types=["*"])
    stories = possible_stories(sandbox, longest=3)
    sandbox.set_faults()

    results = run_stories(
        sandbox,
        [(story, 1_600_000 * (number % 2)) for number, story in enumerate(stories)],
        seed=len(stories),
    )

    assert [one for one in results if one.actual != one.expected] == []
    assert len(results) > 30
    assert any(one.actual.owed for one in results)
