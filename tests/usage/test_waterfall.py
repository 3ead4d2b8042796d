"""The waterfall of a call: its steps follow each other and fill its time."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tests.support.request_records import record_of
from usage.records import Record, RecordAttempt
from usage.waterfall import steps_of, waterfall


def call_of(**fields: object) -> Record:
    own = {
        "id": UUID(int=1),
        "workspace_id": 1,
        "accepted_at": datetime(2026, 6, 15, tzinfo=UTC),
        "price_id": 1,
    }
    return record_of(**own | fields)


def attempt(started_ms: int, duration_ms: int, error: str = "") -> RecordAttempt:
    return RecordAttempt(1, "m", started_ms, duration_ms, 529 if error else 200, error)


def test_a_stream_after_a_failed_attempt() -> None:
    call = call_of(
        queue_ms=4,
        hold_ms=3,
        first_byte_ms=870,
        duration_ms=6_050,
        attempts=(attempt(8, 212, "upstream_overloaded"), attempt(220, 5_824)),
    )

    steps = [(step.label, step.kind, step.starts_ms, step.length_ms) for step in steps_of(call)]

    assert steps == [
        ("Limits and route", "wait", 0, 4),
        ("Hold", "wait", 4, 3),
        ("Attempt 1, m: 529", "failed", 8, 212),
        ("Attempt 2, m, to first byte", "answer", 220, 650),
        ("Stream", "stream", 870, 5_174),
        ("Finish", "wait", 6_044, 6),
    ]


def test_a_call_without_times_has_no_bars() -> None:
    assert waterfall(call_of()).bars == ()


@given(st.lists(st.integers(0, 10**6), min_size=5, max_size=5))
def test_no_bar_leaves_the_plot_and_the_last_ends_with_the_call(lengths: list[int]) -> None:
    queue, hold, first, rest, _ = lengths
    began = queue + hold
    call = call_of(
        queue_ms=queue,
        hold_ms=hold,
        first_byte_ms=began + first,
        attempts=(attempt(began, first + rest),),
        duration_ms=sum(lengths),
    )

    plot = waterfall(call)

    assert sum(bar.step.length_ms for bar in plot.bars) == sum(lengths)
    assert all(bar.x >= 0 and bar.x + bar.width <= 100.01 for bar in plot.bars)
    assert len(plot.ticks) <= 7
