"""`bin/up` restarts its web processes under load: a short run of `bin/bench restarts`."""

from pathlib import Path

from pytest_django import DjangoDbBlocker

from benchmarks.restarts import run, verdict
from benchmarks.restarts.run import Load


def test_restarts_under_load_refuse_reset_and_cut_nothing(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    # The window is long, so that no pause of the machine makes a stream outlast it.
    load = Load(restarts=2, streams=5, per_second=10, drain_window_s=60)
    with django_db_blocker.unblock():
        result = run.measure(load, tmp_path)

    assert verdict.losses(result.outcomes, result.restarts) == []
    assert result.differences == []
    assert len(result.restarts) == 2
