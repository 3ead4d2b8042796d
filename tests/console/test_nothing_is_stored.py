"""What a page sends and receives is in no store and no log of ours, however its run ends."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings
from django.contrib.sessions.models import Session
from psycopg import sql

from tests.support.callers import request_body
from tests.support.customers import Customer
from tests.support.page_caller import RUN, PageCaller, at_a_page
from tests.support.replies import answers, events, reset, says, streams, until_read, wait
from tests.support.request_bodies import user
from tests.support.scripted_upstream import Play, ScriptedUpstream
from tests.support.servers import WebServer

CHECK = "/developers/console/check"
ANSWER = f"answer{uuid.uuid4().hex}"
SYSTEM = f"system{uuid.uuid4().hex}"
TOOL = f"tool{uuid.uuid4().hex}"
INPUT = f"input{uuid.uuid4().hex}"
RESULT = f"result{uuid.uuid4().hex}"
PICTURE = f"{uuid.uuid4().hex}AA=="
STOP = f"stop{uuid.uuid4().hex}"


@pytest.fixture
def page(customer: Customer) -> PageCaller:
    return at_a_page(customer.owner, url=customer.url)


def a_tool_loop(prompt: str) -> dict[str, Any]:
    """Return the members of a request with tools, a result and an image, each with a mark."""
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    call = {"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": {"sku": INPUT}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": RESULT}
    schema = {"type": "object", "properties": {INPUT: {"type": "strin"}}}
    return {
        "messages": [
            user({"type": "image", "source": source}, {"type": "text", "text": prompt}),
            {"role": "assistant", "content": [call]},
            user(result),
        ],
        "tools": [{"name": TOOL, "description": SYSTEM, "input_schema": schema}],
        "stop_sequences": [STOP],
    }


def run_in_every_way(page: PageCaller, upstream: ScriptedUpstream) -> list[str]:
    """Run marked calls with every kind of ending; return the marks."""
    whole = upstream.script(says(ANSWER))
    broken = upstream.script(streams(*events(ANSWER)[:4], until_read, reset))
    refused = upstream.script(refuses_with_quotations(SYSTEM, TOOL, INPUT, RESULT, STOP, ANSWER))
    left = upstream.script(streams(*events(ANSWER)[:4], wait))
    for script in (whole, broken, refused):
        for is_stream in (False, True):
            page.ask(script.prompt, stream=is_stream, system=SYSTEM, **a_tool_loop(script.prompt))
    call = page.begin(left.prompt, stream=True, system=SYSTEM)
    call.read_until("content_block_delta")
    call.hang_up()
    page.ask(whole.prompt, system=SYSTEM, max_tokens=-1)
    page.send(f'{{"model": "{SYSTEM}", "max_tokens'.encode()).answer()
    page.post(CHECK, {"model": SYSTEM, "max_tokens": 1, "messages": [], "system": SYSTEM})
    checked = page.send(
        request_body(whole.prompt, **a_tool_loop(whole.prompt)), path=CHECK
    ).answer()
    assert INPUT in checked.json()["warnings"][0]["path"]
    scripts = (whole, broken, refused, left)
    marks = [ANSWER, SYSTEM, TOOL, INPUT, RESULT, PICTURE, STOP]
    return [*marks, *(script.prompt for script in scripts)]


def refuses_with_quotations(*marks: str) -> Play:
    """A refusal that quotes all of these: its words go to the operator's log."""
    message = f"cannot read {' '.join(marks)}, {marks[-1]} or '{marks[-1]}'"
    return answers(json.dumps({"error": {"message": message}}).encode(), status=400)


def database_rows_with(text: str, *, url: str) -> list[str]:
    """Return the tables with a row that holds the text in any column, binary ones included."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace"
            " WHERE relkind = 'r' AND nspname = 'public'"
        ).fetchall()
        query = sql.SQL("SELECT 1 FROM {} AS row WHERE row::text LIKE ANY (%s) LIMIT 1")
        wanted = [f"%{text}%", f"%{text.encode().hex()}%"]
        return [
            name
            for (name,) in tables
            if connection.execute(query.format(sql.Identifier(name)), [wanted]).fetchone()
        ]


def sessions() -> str:
    """Return what is in all sessions: their rows hold it encoded."""
    return repr([session.get_decoded() for session in Session.objects.all()])


def redis_texts() -> bytes:
    """Return every key and every value."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return b"\n".join(part for key in client.scan_iter() for part in (key, _value(client, key)))


def _value(client: redis.Redis, key: bytes) -> bytes:
    read: dict[Any, Callable[[], Any]] = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
        b"stream": lambda: client.xrange(key),
        b"none": lambda: b"",  # it has expired since
    }
    value = read[client.type(key)]()
    return value if isinstance(value, bytes) else repr(value).encode()


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

    in_redis, in_sessions = redis_texts(), sessions()
    assert f"rate:{customer.workspace.pk}:".encode() in in_redis
    assert f"'_auth_user_id': '{customer.owner.pk}'" in in_sessions
    for mark in marks:
        assert database_rows_with(mark, url=gateway_env["DATABASE_URL"]) == []
        assert mark.encode() not in in_redis
        assert mark not in in_sessions
        assert mark not in gateway.log()
        assert files_with(mark) == []


def test_a_key_is_in_no_store_and_no_log(
    customer: Customer,
    page: PageCaller,
    gateway: WebServer,
    gateway_env: dict[str, str],
    upstream: ScriptedUpstream,
) -> None:
    prompt = upstream.script(says("Hello")).prompt
    page.ask(prompt)
    customer.ask(prompt)
    customer.ask(prompt, max_tokens=-1)
    customer.caller.post(RUN, request_body(prompt))
    customer.wait_until_settled()

    secret = customer.token.removeprefix("cai_api_")
    assert database_rows_with(secret, url=gateway_env["DATABASE_URL"]) == []
    assert secret.encode() not in redis_texts()
    assert secret not in sessions()
    assert secret not in gateway.log()
    assert files_with(secret) == []


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
    assert page.session.encode() not in redis_texts()
    assert page.session not in gateway.log()
    assert files_with(page.session) == []


def files_with(text: str) -> list[str]:
    """Return the logs and journals of the test run that hold the text."""
    folders = [settings.DATA_DIR / "log", settings.DATA_DIR / "journal"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if text.encode() in path.read_bytes()]
