"""What a page sends and receives is in no store and no log of ours, however its run ends."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
import redis
from django.conf import settings
from psycopg import sql

from tests.support.customers import Customer
from tests.support.page_caller import PageCaller, at_a_page
from tests.support.replies import answers, events, reset, says, streams, wait
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer

CHECK = "/developers/console/check"
ANSWER = f"answer{uuid.uuid4().hex}"
SYSTEM = f"system{uuid.uuid4().hex}"


@pytest.fixture
def page(customer: Customer) -> PageCaller:
    return at_a_page(customer.owner, url=customer.url)


def run_in_every_way(page: PageCaller, upstream: ScriptedUpstream) -> list[str]:
    """Run marked calls with every kind of ending; return the marks."""
    whole = upstream.script(says(ANSWER))
    broken = upstream.script(streams(*events(ANSWER)[:4], reset))
    refused = upstream.script(answers(f"no, {ANSWER}".encode(), status=400))
    left = upstream.script(streams(*events(ANSWER)[:4], wait))
    for script in (whole, broken, refused):
        for is_stream in (False, True):
            page.ask(script.prompt, stream=is_stream, system=SYSTEM)
    call = page.begin(left.prompt, stream=True, system=SYSTEM)
    call.read_until("content_block_delta")
    call.hang_up()
    page.ask(whole.prompt, system=SYSTEM, max_tokens=-1)
    page.send(f'{{"model": "{SYSTEM}", "max_tokens'.encode()).answer()
    page.post(CHECK, {"model": SYSTEM, "max_tokens": 1, "messages": [], "system": SYSTEM})
    return [ANSWER, SYSTEM, whole.prompt, broken.prompt, refused.prompt, left.prompt]


def database_rows_with(text: str, *, url: str) -> list[str]:
    """Return the tables with a row that holds the text in any column."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace"
            " WHERE relkind = 'r' AND nspname = 'public'"
        ).fetchall()
        query = sql.SQL("SELECT 1 FROM {} AS row WHERE row::text LIKE %s LIMIT 1")
        return [
            name
            for (name,) in tables
            if connection.execute(query.format(sql.Identifier(name)), [f"%{text}%"]).fetchone()
        ]


def redis_texts() -> Iterator[bytes]:
    """Yield every key, and every value as Redis itself serializes it."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter():
            yield key
            yield client.dump(key) or b""


def test_no_prompt_and_no_answer_is_in_a_store_or_a_log(
    customer: Customer,
    page: PageCaller,
    gateway: WebServer,
    gateway_env: dict[str, str],
    upstream: ScriptedUpstream,
) -> None:
    marks = run_in_every_way(page, upstream)
    customer.wait_until_settled()
    assert len(customer.records()) == 7
    assert database_rows_with("scripted/messages", url=gateway_env["DATABASE_URL"])

    in_redis = b"".join(redis_texts())
    for mark in marks:
        assert database_rows_with(mark, url=gateway_env["DATABASE_URL"]) == []
        assert mark.encode() not in in_redis
        assert mark not in gateway.log()
        assert files_with(mark) == []


def test_a_session_is_in_the_table_of_sessions_alone(
    page: PageCaller,
    gateway: WebServer,
    gateway_env: dict[str, str],
    upstream: ScriptedUpstream,
) -> None:
    page.ask(upstream.script(says("Hello")).prompt)
    page.ask("Hello", max_tokens=-1)

    assert page.session is not None
    found = database_rows_with(page.session, url=gateway_env["DATABASE_URL"])
    assert found == ["django_session"]
    assert page.session.encode() not in b"".join(redis_texts())
    assert page.session not in gateway.log()
    assert files_with(page.session) == []


def files_with(text: str) -> list[str]:
    """Return the logs and journals of the test run that hold the text."""
    folders = [settings.DATA_DIR / "log", settings.DATA_DIR / "journal"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if text.encode() in path.read_bytes()]
