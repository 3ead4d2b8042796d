"""How many calls run at once: shares of a key and of workspaces, and room for the next one."""

import pytest

from gateway.errors import GatewayOverloaded, RateLimited
from gateway.limits.concurrency import ConcurrencyLimit


def limit_of(places: int, *, per_workspace: int, per_key: int = 1_000) -> ConcurrencyLimit:
    return ConcurrencyLimit(places, limit_per_key=per_key, limit_per_workspace=per_workspace)


def taken_by(limit: ConcurrencyLimit, workspaces: int, *, tries: int = 3_000) -> list[int]:
    """Let workspaces begin calls in turns; return how many each has running."""
    running = [0] * workspaces
    for number in range(tries):
        workspace = number % workspaces
        try:
            limit.begin((workspace, number), workspace_id=workspace)
        except (RateLimited, GatewayOverloaded):
            continue
        running[workspace] += 1
    return running


def test_one_workspace_has_its_share_with_any_number_of_keys():
    assert taken_by(limit_of(1_000, per_workspace=500), 1) == [500]
    assert taken_by(limit_of(1_000, per_workspace=200), 1) == [200]


@pytest.mark.parametrize("workspaces", [2, 3, 9, 50])
def test_any_number_of_workspaces_leaves_room_for_another(workspaces: int):
    limit = limit_of(1_000, per_workspace=500)

    running = taken_by(limit, workspaces)

    assert max(running) - min(running) <= 1
    assert 1_000 - sum(running) >= 1_000 // (workspaces + 1) - workspaces
    limit.begin("an honest key", workspace_id=workspaces)


def test_a_workspace_that_may_have_all_places_has_them():
    assert taken_by(limit_of(10, per_workspace=10), 1) == [10]


def test_a_workspace_that_is_above_its_share_waits_for_the_end_of_a_call():
    limit = limit_of(10, per_workspace=5)
    for number in range(3):
        limit.begin(number, workspace_id=2)
    for number in range(4):
        limit.begin(number, workspace_id=1)

    with pytest.raises(RateLimited, match="This workspace has 4 calls running"):
        limit.begin("more", workspace_id=1)

    for number in range(3):
        limit.end(number, workspace_id=2)
    limit.begin("more", workspace_id=1)


def test_where_no_place_is_left_the_gateway_is_overloaded():
    limit = limit_of(2, per_workspace=2)
    limit.begin("a", workspace_id=1)
    limit.begin("b", workspace_id=2)

    with pytest.raises(GatewayOverloaded):
        limit.begin("c", workspace_id=3)
