"""Downloads request records as a customer does: how long, how soon, and what the server takes."""

import http.client
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.test import Client

from benchmarks.gateway.processes import Server
from benchmarks.usage.fill import DAYS

_MOST_ROWS = 1_000_000
_FIRST_BYTE_GOAL_MS = 1_000
_PIECE_BYTES = 64 * 1024


class Download(NamedTuple):
    """What a client saw of a file, and by how much the server's memory grew meanwhile."""

    rows: int
    mib: float
    first_byte_ms: float
    seconds: float
    grown_mib: float


def run(server: Server, browser: Client, records: int) -> tuple[str, float, float]:
    """Download up to a million of the big workspace's records in each format, and print it; return
    the name, goal and figure of the first byte, in milliseconds."""
    rows_a_day = records / 2 / DAYS
    days = min(DAYS, _MOST_ROWS / rows_a_day)
    slowest = 0.0
    for format in ("csv", "jsonl"):
        one = _downloaded(server, browser, format, days)
        slowest = max(slowest, one.first_byte_ms)
        print(
            f"  export of {one.rows:,} rows as {format}: {one.mib:.0f} MiB in {one.seconds:.1f} s,"
            f" first byte after {one.first_byte_ms:.0f} ms, memory {one.grown_mib:+.0f} MiB",
            flush=True,
        )
    return "export, first byte", _FIRST_BYTE_GOAL_MS, slowest


def _downloaded(server: Server, browser: Client, format: str, days: float) -> Download:
    since = datetime.now(UTC) - timedelta(days=days)
    path = f"/developers/usage/export/requests?format={format}&from={since:%Y-%m-%dT%H:%M}"
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    before_mib, memory = server.rss_mib(), _Highest(server)
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    began = time.monotonic()
    with memory:
        client.request("GET", path, headers={"cookie": cookie, "host": "localhost"})
        response = client.getresponse()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {response.read()[:300]!r}")
        size = len(response.read(1))
        first_byte_s = time.monotonic() - began
        while piece := response.read(_PIECE_BYTES):
            size += len(piece)
    seconds = time.monotonic() - began
    client.close()
    rows = int(response.headers["caicaini-rows"])
    grown = memory.mib - before_mib
    return Download(rows, size / 2**20, first_byte_s * 1000, seconds, grown)


class _Highest:
    """The highest memory of a server while the block runs."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self.mib = server.rss_mib()

    def __enter__(self) -> None:
        self._watch.start()

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._is_over.wait(0.1):
            self.mib = max(self.mib, self._server.rss_mib())
