"""While PostgreSQL is unavailable, the log has one line a second about it, without traceback."""

import io
import logging
from collections.abc import Iterator

import django.db
import psycopg
import pytest

from caicaini_portal.celery import app
from caicaini_portal.outage_log_filter import OutageLogFilter


class Log:
    """A log with the filter, and a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.text = io.StringIO()
        self.handler = logging.StreamHandler(self.text)
        self.handler.addFilter(OutageLogFilter(clock=lambda: self.now))

    @property
    def lines(self) -> list[str]:
        return self.text.getvalue().splitlines()


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    loggers = [
        logging.getLogger(name) for name in ("psycopg.pool", "celery.app.trace", "tests.outage")
    ]
    for logger in loggers:
        logger.addHandler(log.handler)
    yield log
    for logger in loggers:
        logger.removeHandler(log.handler)


def fail(error: Exception) -> None:
    try:
        raise django.db.OperationalError(str(error)) from error
    except django.db.Error:
        logging.getLogger("tests.outage").exception("a request failed")


def test_an_outage_is_logged_once_a_second_and_without_traceback(log: Log) -> None:
    for _ in range(3):
        fail(psycopg.OperationalError("connection refused\nIs the server running?"))
        logging.getLogger("psycopg.pool").warning("error connecting in %r: %s", "pool-1", "no")
        logging.getLogger("tests.outage").warning("not refreshed", extra={"is_outage": True})

    log.now = 1.0
    fail(psycopg.OperationalError("connection refused"))

    assert log.lines == [
        "a request failed connection refused",
        "a request failed connection refused (8 more lines about what is unavailable left out)",
    ]


def test_other_errors_are_logged_in_full_beside_it(log: Log) -> None:
    fail(psycopg.OperationalError("connection refused"))
    fail(psycopg.errors.LockNotAvailable("lock timeout"))

    text = log.text.getvalue()
    assert "Traceback" in text
    assert "lock timeout" in text
    logging.getLogger("psycopg.pool").warning("rolling back returned connection: %s", "one")
    assert log.lines[-1] == "rolling back returned connection: one"


def test_a_task_that_fails_for_it_has_no_traceback_either(log: Log) -> None:
    @app.task(name="tests.without_database")  # type: ignore[untyped-decorator]
    def without_database() -> None:
        raise django.db.OperationalError("refused") from psycopg.OperationalError("refused")

    without_database.apply()

    [line] = log.lines
    assert "tests.without_database" in line
