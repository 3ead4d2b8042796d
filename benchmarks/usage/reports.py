"""Times what people and programs ask about usage, each as its medians over several times."""

import asyncio
import http.client
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import psycopg
from django.conf import settings
from django.db import connection
from django.test import Client
from starlette.datastructures import QueryParams

from benchmarks.gateway.processes import Server
from benchmarks.usage.fill import Filled
from gateway.http.responses import json_response, new_request_id
from gateway.http.usage import report
from gateway.http.usage_query import UsageQuery
from usage.dashboard import spans
from usage.dashboard.wanted import GROUPINGS
from usage.models import RequestRecord
from usage.reading import Filters, Grouping, Question, Width, latencies, usage

_TIMES = 15
_TIMES_EACH = 5  # of many
_KATHMANDU = ZoneInfo("Asia/Kathmandu")
_NEW_YORK = ZoneInfo("America/New_York")


def figures(
    filled: Filled, browser: Client, server: Server, key: str
) -> Iterator[tuple[str, float, float]]:
    """Yield the name of each figure, its goal and its median, in milliseconds."""
    yield from _pages(filled, browser)
    yield from _dashboards(browser)
    yield from _endpoints(server, key)
    yield from _readings(filled)
    yield "longest stop of an event loop by a report", 20, asyncio.run(_longest_stop(filled))


def _pages(filled: Filled, browser: Client) -> Iterator[tuple[str, float, float]]:
    newest = RequestRecord.objects.filter(workspace_id=filled.big).order_by("-accepted_at", "-id")
    log = "/developers/usage/requests"
    receipt = f"{log}/req_{newest.exclude(session_id=None)[1000].id.hex}"
    place = newest[5000]
    before = f"{place.accepted_at:%Y%m%dT%H%M%S.%fZ}_{place.id.hex}"
    for name, goal, path in (
        ("usage page, 30 days", 50, "/developers/usage?range=30d"),
        ("log, 30 days", 30, f"{log}?range=30d"),
        ("log, 30 days, page 100", 30, f"{log}?range=30d&before={before}"),
        ("log, a model that no call has", 30, f"{log}?range=all&model=none"),
        ("log, a stop reason that no call has", 30, f"{log}?range=all&stop=none"),
        ("receipt", 20, receipt),
    ):
        yield name, goal, median_ms(partial(_opened, browser, path))
        yield f"  processor time of {name}", goal, processor_ms(partial(_opened, browser, path))


def _dashboards(browser: Client) -> Iterator[tuple[str, float, float]]:
    """Yield the slowest usage page of all ranges and groupings, by time and by processor time."""
    found = {
        query: (
            median_ms(partial(_opened, browser, f"/developers/usage?{query}"), times=_TIMES_EACH),
            processor_ms(
                partial(_opened, browser, f"/developers/usage?{query}"), times=_TIMES_EACH
            ),
        )
        for query in _dashboard_queries()
    }
    slowest = max(found, key=lambda query: found[query][0])
    dearest = max(found, key=lambda query: found[query][1])
    print(f"  of {len(found)} usage pages, slowest {slowest}; most processor time {dearest}")
    yield "usage page, the slowest", 50, found[slowest][0]
    yield "  processor time of the dearest usage page", 50, found[dearest][1]


def _dashboard_queries() -> Iterator[str]:
    """Yield the addresses of each range by each grouping, of the chart and of the table."""
    today = datetime.now(UTC).date()
    ranges = [f"range={one.name}" for one in spans.PRESETS]
    ranges += [f"from={today - timedelta(days=days)}&to={today}" for days in (89, 365)]
    shown = [f"by={one}&table={one}" for one in GROUPINGS] + ["show=errors", "show=latency"]
    shown += ["by=model&compare=1"]
    for span, how in product(ranges, shown):
        yield f"{span}&{how}"


def _opened(browser: Client, path: str) -> None:
    response = browser.get(path)
    if response.status_code != 200:
        raise RuntimeError(f"{path}: {response.status_code} {response.headers.get('location')}")


def _endpoints(server: Server, key: str) -> Iterator[tuple[str, float, float]]:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    now = datetime.now(UTC)

    def get(path: str) -> None:
        client.request("GET", path, headers={"authorization": f"Bearer {key}"})
        response = client.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {body[:300]!r}")

    for name, goal, path in (
        ("GET /v1/credits", 5, "/v1/credits"),
        ("GET /v1/usage by day, 30 days", 50, "/v1/usage"),
        ("GET /v1/usage by hour, 31 days", 50, f"/v1/usage?bucket=1h&from={_written(now, 31)}"),
        (
            "GET /v1/usage by hour, model, key, 7 days",
            50,
            f"/v1/usage?bucket=1h&group_by=model,key&from={_written(now, 7)}",
        ),
        (
            "GET /v1/usage by day, model, key, 90 days",
            50,
            f"/v1/usage?group_by=model,key&from={_written(now, 90)}",
        ),
        *(
            (
                f"GET /v1/usage by {bucket} and session, {days} days",
                50,
                f"/v1/usage?group_by=session&bucket={bucket}&from={_written(now, days)}",
            )
            for bucket, days in (("1h", 31), ("1d", 31), ("1d", 366), ("1mo", 366))
        ),
    ):
        yield name, goal, median_ms(partial(get, path))
    client.close()


def _written(now: datetime, days: int) -> str:
    return f"{now - timedelta(days=days) + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"


def _readings(filled: Filled) -> Iterator[tuple[str, float, float]]:
    for name, question in _questions(filled).items():
        yield f"reading {name}", 50, median_ms(partial(usage, question))
        yield f"  processor time of {name}", 50, processor_ms(partial(usage, question))
    by_day = _questions(filled)["by day, New York, 90 days"]
    yield "percentiles by day, New York, 90 days", 50, median_ms(partial(latencies, by_day))
    yield "  processor time of percentiles", 50, processor_ms(partial(latencies, by_day))


def _questions(filled: Filled) -> dict[str, Question]:
    until = datetime.now(UTC)
    session = (
        RequestRecord.objects.filter(
            workspace_id=filled.big, accepted_at__gt=until - timedelta(days=9)
        )
        .exclude(session_id=None)
        .values_list("session_id", flat=True)
        .first()
    )

    def asked(days: int, width: Width | None, **more: Any) -> Question:
        # From within a quarter hour, as custom ranges are.
        since = until - timedelta(days=days) + timedelta(seconds=97)
        return Question(workspace_id=filled.big, since=since, until=until, width=width, **more)

    return {
        "the whole range, 90 days": asked(90, None),
        "by 15 minutes, 7 days": asked(7, Width.QUARTER),
        "by hour, Kathmandu, 31 days": asked(31, Width.HOUR, zone=_KATHMANDU),
        "by day, New York, 90 days": asked(90, Width.DAY, zone=_NEW_YORK),
        "by day, Kathmandu, model and key": asked(
            90, Width.DAY, zone=_KATHMANDU, group_by=(Grouping.MODEL, Grouping.KEY)
        ),
        "by month, Kathmandu, source": asked(
            90, Width.MONTH, zone=_KATHMANDU, group_by=(Grouping.SOURCE,)
        ),
        "by day and tag, New York": asked(90, Width.DAY, zone=_NEW_YORK, group_by=(Grouping.TAG,)),
        "by day and error": asked(90, Width.DAY, group_by=(Grouping.ERROR,)),
        "one session, 90 days": asked(90, None, filters=Filters(session=session)),
        "by session, 1 day": asked(1, None, group_by=(Grouping.SESSION,), limit=100),
        "by session, 31 days": asked(31, None, group_by=(Grouping.SESSION,), limit=100),
    }


def median_ms(work: Callable[[], object], *, times: int = _TIMES) -> float:
    """Do it several times after a first one; return the median."""
    work()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def processor_ms(work: Callable[[], object], *, times: int = _TIMES) -> float:
    """Return the processor time of this thread and of its session at PostgreSQL, each time: what
    the work would take on a machine with nothing else to do, if everything is in memory."""
    session = psutil.Process(_session_id())
    began, at_postgres = time.thread_time(), _used_s(session)
    for _ in range(times):
        work()
    used_s = time.thread_time() - began + _used_s(session) - at_postgres
    return used_s / times * 1000


def _session_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    return int(pid)


def _used_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _longest_stop(filled: Filled) -> float:
    """Answer requests as the endpoint does; return the longest time without other work."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            # Processor time: on a shared machine a thread is also late for others' sake.
            began = time.thread_time()
            await asyncio.sleep(0.0005)
            longest = max(longest, (time.thread_time() - began) * 1000)

    async with await psycopg.AsyncConnection.connect(settings.DATABASE_URL) as reports:
        watching = asyncio.create_task(watch())
        for asked in _longest_answers():
            body = await report(reports, filled.big, asked)
            json_response(body, new_request_id())
        watching.cancel()
    return longest


def _longest_answers() -> Iterator[UsageQuery]:
    """Return requests whose pages are full, and those with the most buckets."""
    now = datetime.now(UTC)
    for bucket, days, group_by in (
        ("15m", 7, "source,model,key"),
        ("15m", 7, "session"),
        ("1h", 31, "source,model,key"),
        ("1h", 31, "tag"),
        ("1d", 366, "model,key"),
    ):
        params = {"bucket": bucket, "group_by": group_by, "from": _written(now, days)}
        yield UsageQuery.parse(QueryParams({**params, "time_zone": "America/New_York"}), now=now)
