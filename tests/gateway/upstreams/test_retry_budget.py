"""Retries have a budget, and each workspace its own."""

import pytest

from gateway.upstreams import retry_budget
from gateway.upstreams.retry_budget import RetryBudget

OURS, THEIRS = 1, 2  # workspaces


def test_when_every_call_fails_a_fifth_are_retried():
    budget = RetryBudget()
    retries = 0
    for _ in range(1000):
        budget.begin_call(OURS)
        retries += budget.take(OURS)

    assert 200 <= retries <= 210


def test_a_workspace_whose_calls_all_fail_leaves_the_retries_of_others():
    budget = RetryBudget()
    for _ in range(100):
        budget.begin_call(THEIRS)
        budget.take(THEIRS)

    assert not budget.take(THEIRS)
    assert [budget.take(OURS) for _ in range(11)] == [True] * 10 + [False]


def test_calls_that_need_no_retry_earn_no_more_than_at_the_start():
    budget = RetryBudget()
    while budget.take(OURS):
        pass
    for _ in range(1000):
        budget.begin_call(OURS)

    assert [budget.take(OURS) for _ in range(11)] == [True] * 10 + [False]


def test_what_many_workspaces_have_left_is_not_kept_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retry_budget, "_MOST_KEPT", 3)
    budget = RetryBudget()
    for workspace_id in range(5):
        for _ in range(11):
            budget.take(workspace_id)

    assert [budget.take(workspace_id) for workspace_id in (4, 3, 2)] == [False] * 3
    assert budget.take(0)
