"""Rounds of many concurrent calls on a balance for some of them: exactly so many are admitted."""

import asyncio
import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from django.conf import settings
from django.core.management import call_command

from benchmarks import catalogue
from benchmarks.catalogue import Prices
from billing.audit.report import audit
from catalogue.pricing import Price
from keys import services as keys
from tests.support.books import Books, open_books
from tests.support.servers import WebServer

_MODEL = "bench/fixed"
_MAX_TOKENS = 50
_PRICE = Price(
    0,
    input=1_000_000,
    output=1_000_000,
    cache_write=1_000_000,
    cache_read=0,
    cache_write_1h=1_000_000,
)
_TEMPLATE_TOKENS = 1_024
_ANSWER = msgspec.json.encode(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "bench",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 14, "output_tokens": 23},
    }
)
_COST = 14 + 23
_LIMITS = {"RATE_LIMITS": "requests=1000000000,input_tokens=1000000000000", "LOG_LEVEL": "ERROR"}


class _Upstream:
    """Answers no request before `may_answer` is set, and counts the requests."""

    def __init__(self) -> None:
        self.requests = 0
        self.may_answer = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen; return the address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await self._answer(reader, writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        if b"/count_tokens" in head.split(b"\r\n")[0]:
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return
        self.requests += 1
        await self.may_answer.wait()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(_ANSWER), _ANSWER)
        )


def run(*, rounds: int, calls: int) -> int:
    """Print the results; return how many rounds went wrong."""
    print(f"{rounds} rounds of {calls} calls at once over 2 gateways", flush=True)
    return asyncio.run(_rounds(rounds, calls))


async def _rounds(rounds: int, calls: int) -> int:
    upstream = _Upstream()
    url = await upstream.start()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        env = {**_LIMITS, "DATABASE_URL": settings.DATABASE_URL}
        await asyncio.to_thread(_load_catalogue, Path(folder), url)
        with _gateways(env, Path(folder)) as servers:
            for server in servers:
                await asyncio.to_thread(server.await_ready)
            for number in range(rounds):
                affordable = random.randint(1, min(60, calls - 1))
                wrong += await _round(number, upstream, servers, calls, affordable)
    report = await asyncio.to_thread(audit)
    print(f"  audit: {'in order' if report.is_ok else 'BROKEN'}")
    print(f"  {wrong} rounds went wrong", flush=True)
    return wrong + len(report.findings)


def _load_catalogue(folder: Path, url: str) -> None:
    path = folder / "catalogue.toml"
    prices = Prices(_PRICE.input, _PRICE.output, _PRICE.cache_write, _PRICE.cache_read)
    catalogue.write(path, model=_MODEL, prices=prices, upstream_url=url)
    settings.CATALOGUE = path
    call_command("sync_catalogue", verbosity=0)


@contextlib.contextmanager
def _gateways(env: dict[str, str], folder: Path) -> Iterator[list[WebServer]]:
    with contextlib.ExitStack() as stack:
        servers = []
        for number in range(2):
            server = WebServer(env=env, log=folder / f"gateway-{number}.log")
            stack.callback(server.stop)
            servers.append(server)
        yield servers


async def _round(
    number: int, upstream: _Upstream, servers: list[WebServer], calls: int, affordable: int
) -> int:
    """One balance, many calls: print the statuses, return 1 if they are wrong."""
    body = msgspec.json.encode(
        {
            "model": _MODEL,
            "max_tokens": _MAX_TOKENS,
            "messages": [{"role": "user", "content": "Hello" + "!" * random.randint(0, 500)}],
        }
    )
    bound = _PRICE.bound(input_tokens=len(body) + _TEMPLATE_TOKENS, output_tokens=_MAX_TOKENS)
    balance = affordable * bound + random.randrange(bound)
    books, token = await asyncio.to_thread(_customer, balance)
    upstream.requests = 0
    upstream.may_answer.clear()
    statuses = await _send(servers, token, body, calls, upstream, affordable)
    posted, held = await asyncio.to_thread(_settled, books)
    expected = Counter({200: affordable, 402: calls - affordable})
    is_right = (statuses, upstream.requests, posted, held) == (
        expected,
        affordable,
        balance - affordable * _COST,
        0,
    )
    print(
        f"  round {number + 1}: for {affordable}: {dict(statuses)}, upstream {upstream.requests}"
        f"{'' if is_right else f'  WRONG: posted {posted}, held {held} of {balance}'}",
        flush=True,
    )
    return 0 if is_right else 1


def _customer(balance: int) -> tuple[Books, str]:
    books = open_books(balance)
    return books, keys.mint(workspace=books.workspace, name="b", created_by=books.user).token


def _settled(books: Books) -> tuple[int, int]:
    wallet = books.wallet()
    return wallet.posted, wallet.held


async def _send(
    servers: list[WebServer],
    token: str,
    body: bytes,
    calls: int,
    upstream: _Upstream,
    affordable: int,
) -> Counter[int]:
    """Send all at the same moment; let the upstream answer once the rest is refused."""
    ready, start = asyncio.Semaphore(0), asyncio.Event()
    calling = [
        asyncio.create_task(_call(servers[number % 2], token, body, ready, start))
        for number in range(calls)
    ]
    for _ in range(calls):
        await ready.acquire()
    start.set()
    waiting = set(calling)
    async with asyncio.timeout(60):
        while len(waiting) > affordable:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        upstream.may_answer.set()
        return Counter(await asyncio.gather(*calling))


async def _call(
    server: WebServer, token: str, body: bytes, ready: asyncio.Semaphore, start: asyncio.Event
) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = (
        f"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    ready.release()
    await start.wait()
    writer.write(head.encode() + body)
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status
