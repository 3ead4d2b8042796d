"""A budget of bytes: never more than the total and each share, and fair by workspace."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.fair_budget import BudgetSpent, FairBudget, Holder

NEVER_S = 0.0
LONG_S = 60.0


def holder(workspace: int, key: int = 0) -> Holder:
    return Holder(workspace, (workspace, key))


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(1, 120), st.booleans()),
    max_size=40,
)


@given(STEPS)
def test_no_order_of_takers_exceeds_a_limit_or_loses_a_byte(
    steps: list[tuple[int, int, int, bool]],
) -> None:
    async def run() -> None:
        budget = FairBudget(100, per_workspace=60, per_key=40)
        lent: list[tuple[Holder, int]] = []
        for workspace, key, amount, gives_back in steps:
            if gives_back and lent:
                taker, size = lent.pop(0)
                budget.give_back(taker, size)
                continue
            taker = holder(workspace, key)
            try:
                lent.append((taker, await budget.take(taker, amount, wait_s=NEVER_S)))
            except BudgetSpent:
                of_key = sum(size for who, size in lent if who == taker)
                of_workspace = sum(size for who, size in lent if who.workspace_id == workspace)
                asked = min(amount, 40)
                has_share = bool(of_workspace) and of_workspace * 40 >= 60 * budget.free
                is_above = of_key + asked > 40 or of_workspace + asked > 60 or has_share
                assert is_above or budget.free < asked
            assert budget.free == 100 - sum(size for _, size in lent) >= 0
            for one in range(3):
                assert sum(size for who, size in lent if who.workspace_id == one) <= 60
        for taker, size in lent:
            budget.give_back(taker, size)
        assert budget.free == 100

    asyncio.run(run())


async def waiting(budget: FairBudget, taker: Holder, amount: int) -> "asyncio.Task[int]":
    task = asyncio.create_task(budget.take(taker, amount, wait_s=LONG_S))
    await asyncio.sleep(0)
    return task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_workspaces_that_wait_take_turns() -> None:
    budget = FairBudget(10, per_workspace=10, per_key=10)
    await budget.take(holder(1), 10, wait_s=LONG_S)
    hostile = [await waiting(budget, holder(1), 10) for _ in range(5)]
    honest = await waiting(budget, holder(2), 10)

    budget.give_back(holder(1), 10)
    await settle()
    assert [task.done() for task in hostile] == [True, False, False, False, False]
    budget.give_back(holder(1), 10)
    await settle()

    assert honest.done()
    for task in hostile:
        task.cancel()


async def test_a_large_one_is_not_overtaken_for_want_of_room() -> None:
    budget = FairBudget(10, per_workspace=10, per_key=10)
    await budget.take(holder(1), 5, wait_s=LONG_S)
    large = await waiting(budget, holder(2), 10)
    small = await waiting(budget, holder(3), 1)
    assert not small.done()

    budget.give_back(holder(1), 5)
    await settle()

    assert large.done()
    assert not small.done()
    budget.give_back(holder(2), 10)
    await settle()
    assert small.done()


async def test_one_above_its_own_share_lets_others_pass() -> None:
    budget = FairBudget(10, per_workspace=5, per_key=5)
    await budget.take(holder(1), 5, wait_s=LONG_S)
    above = await waiting(budget, holder(1), 1)

    assert await budget.take(holder(2), 5, wait_s=NEVER_S) == 5

    assert not above.done()
    budget.give_back(holder(1), 5)
    await settle()
    assert above.done()


@pytest.mark.parametrize("greedy", [1, 2, 3, 9])
async def test_any_number_of_workspaces_leaves_room_for_another(greedy: int) -> None:
    budget = FairBudget(1_000, per_workspace=500, per_key=500)
    for number in range(2_000):
        with contextlib.suppress(BudgetSpent):
            await budget.take(holder(number % greedy), 1, wait_s=NEVER_S)

    assert budget.free >= 1_000 // (greedy + 1) - greedy
    assert await budget.take(holder(greedy), 50, wait_s=NEVER_S) == 50


async def test_the_first_amount_of_a_workspace_needs_only_to_be_free() -> None:
    budget = FairBudget(100, per_workspace=50, per_key=50)
    await budget.take(holder(1), 50, wait_s=NEVER_S)

    assert await budget.take(holder(2), 50, wait_s=NEVER_S) == 50


async def test_one_that_gives_up_makes_way() -> None:
    budget = FairBudget(10, per_workspace=10, per_key=10)
    await budget.take(holder(1), 5, wait_s=LONG_S)
    large = await waiting(budget, holder(2), 10)
    small = await waiting(budget, holder(3), 5)

    large.cancel()
    await settle()

    assert small.done()


async def test_nothing_free_in_time_is_an_error() -> None:
    budget = FairBudget(10, per_workspace=10, per_key=10)
    await budget.take(holder(1), 10, wait_s=LONG_S)

    with pytest.raises(BudgetSpent):
        await budget.take(holder(2), 1, wait_s=0.01)

    budget.give_back(holder(1), 10)
    assert budget.free == 10
