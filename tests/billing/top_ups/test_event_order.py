"""Refunds and disputes in every order, and every order in which we hear of them."""

from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.stories import stories, tell


def test_every_story_of_up_to_three_steps_ends_as_stripes_objects_say(sandbox: Sandbox) -> None:
    """With most of the credits spent in every second one, so that something is owed."""
    sandbox.set_faults(drop_types=["*"])
    told = stories(sandbox, longest=3)
    sandbox.set_faults()

    endings = tell(
        sandbox,
        [(story, 1_600_000 * (number % 2)) for number, story in enumerate(told)],
        seed=len(told),
    )

    assert [one for one in endings if one.ours != one.right] == []
    assert len(endings) > 30
    assert any(one.ours.owed for one in endings)
