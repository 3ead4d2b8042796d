"""What a session cost: the sums of all its calls whose records are kept."""

from datetime import UTC, datetime, timedelta

from usage.reading import Filters, Question
from usage.records import Record

_CLOCKS_DIFFER_BY = timedelta(hours=1)  # between processes: a call of now may be of later


def question_of(record: Record) -> Question | None:
    """Return the question whose one row has the sums of a call's session; None without one."""
    if record.session_id is None:
        return None
    return Question(
        workspace_id=record.workspace_id,
        since=datetime.min.replace(tzinfo=UTC),
        until=datetime.now(UTC) + _CLOCKS_DIFFER_BY,
        filters=Filters(session=record.session_id),
    )
