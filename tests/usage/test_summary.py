"""Sums over a period equal a direct sum over its records, at any state of the roll-up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Count, Q, Sum
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User, Workspace
from keys import services
from tests.support import people
from tests.support.request_records import a_record, spread, write
from tests.support.roll_ups import falsify
from usage import roll_up, summary
from usage.models import Ending, RequestRecord
from usage.ranges import Period
from usage.summary import Totals

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW_S = 6 * 3600
# Any second, with those around full hours more often.
moments = st.one_of(
    st.integers(0, WINDOW_S),
    st.builds(lambda hour, off: hour * 3600 + off, st.integers(0, 6), st.integers(-1, 1)),
)
calls = st.lists(st.tuples(moments, st.integers(0, 500), st.booleans(), st.booleans()), max_size=12)


def directly(period: Period) -> Totals:
    """Add the records up, one by one."""
    sums: dict[str, Any] = RequestRecord.objects.filter(
        workspace_id=period.workspace_id,
        accepted_at__gte=period.since,
        accepted_at__lt=period.until,
    ).aggregate(
        requests=Count("id"),
        errors=Count("id", filter=~Q(error_type="")),
        input_tokens=Sum("input_tokens", default=0),
        output_tokens=Sum("output_tokens", default=0),
        cache_creation_input_tokens=Sum("cache_creation_input_tokens", default=0),
        cache_read_input_tokens=Sum("cache_read_input_tokens", default=0),
        credits=Sum("credits", default=0),
    )
    return Totals(**sums)


@given(before=calls, after=calls, since=moments, length=st.integers(0, WINDOW_S))
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_sums_equal_a_direct_sum_at_any_state_of_the_roll_up(
    workspace: Workspace, before: list[Any], after: list[Any], since: int, length: int
) -> None:
    mine = people.workspace_of(people.new_person())
    for batch in (before, after):
        for second, credits, is_error, is_cached in batch:
            write(
                a_record(
                    mine,
                    at=NOON + timedelta(seconds=second),
                    credits=credits,
                    error_type="api_error" if is_error else "",
                    cache_read_input_tokens=7 if is_cached else 0,
                )
            )
            write(a_record(workspace, at=NOON + timedelta(seconds=second), credits=credits))
        if batch is before:
            roll_up.roll_up()
    begin = NOON + timedelta(seconds=since)
    period = Period(mine.pk, begin, begin + timedelta(seconds=length))

    assert summary.totals(period) == directly(period)
    by_key = summary.credits_by_key(period)
    assert sum(by_key.values()) == directly(period).credits


def test_clean_hours_come_from_the_roll_up(workspace: Workspace) -> None:
    spread(workspace, [NOON + timedelta(hours=hour, minutes=5) for hour in range(4)])
    roll_up.roll_up()
    falsify(workspace, NOON + timedelta(hours=1), level="hour", credits=1_000_000)
    period = Period(workspace.pk, NOON, NOON + timedelta(hours=4))

    assert summary.totals(period).credits == 1_000_000 + 3 * 12


def test_an_hour_that_moved_since_its_roll_up_comes_from_the_records(
    workspace: Workspace,
) -> None:
    spread(workspace, [NOON + timedelta(hours=hour, minutes=5) for hour in range(4)])
    roll_up.roll_up()
    write(a_record(workspace, at=NOON + timedelta(hours=1, minutes=30), credits=5))
    period = Period(workspace.pk, NOON, NOON + timedelta(hours=4))

    assert summary.totals(period).credits == 4 * 12 + 5


def test_spending_is_summed_per_key_and_the_consoles_under_none(
    workspace: Workspace, person: User
) -> None:
    key = services.mint(workspace=workspace, name="CI", created_by=person).key
    hours = [NOON + timedelta(hours=hour) for hour in range(3)]
    spread(workspace, hours, key_id=key.pk, credits=10)
    roll_up.roll_up()
    spread(workspace, hours, source="console", credits=1)

    spent = summary.credits_by_key(Period(workspace.pk, NOON, NOON + timedelta(hours=3)))

    assert spent == {key.pk: 30, None: 3}


def test_nothing_sums_up_to_nothing(workspace: Workspace) -> None:
    period = Period(workspace.pk, NOON, NOON + timedelta(hours=3))

    assert summary.totals(period) == Totals(0, 0, 0, 0, 0, 0, 0)
    assert summary.totals(period).error_rate == 0
    assert summary.credits_by_key(period) == {}
    assert summary.latency(period) is None


def test_latency_is_that_of_the_calls_that_succeeded(workspace: Workspace) -> None:
    for number in range(1, 101):
        write(a_record(workspace, at=NOON + timedelta(seconds=number), duration_ms=number))
    failed = {"error_type": "timeout_error", "ending": Ending.FAILED}
    write(a_record(workspace, at=NOON, duration_ms=99_999, **failed))
    period = Period(workspace.pk, NOON, NOON + timedelta(hours=1))

    found = summary.latency(period)
    assert found
    assert 45 <= found.p50_ms <= 55
    assert 90 <= found.p95_ms <= 100


@pytest.mark.parametrize("minutes", [0, 59, 60, 61])
def test_the_end_of_a_period_does_not_belong_to_it(workspace: Workspace, minutes: int) -> None:
    until = NOON + timedelta(minutes=minutes)
    spread(workspace, [until, until - timedelta(microseconds=1)])
    roll_up.roll_up()

    assert summary.totals(Period(workspace.pk, NOON - timedelta(hours=1), until)).requests == 1
