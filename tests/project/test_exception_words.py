"""No line about an unexpected exception holds a part of a prompt or an answer."""

import asyncio
import gc
import logging
import logging.config
from collections.abc import Iterator
from io import StringIO

import pytest
from django.test import RequestFactory

from caicaini_portal.log_config import logging_config

PROMPT = "Dear Ms Doe, your diagnosis is grave"


@pytest.fixture(params=[False, True], ids=["readable", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[StringIO]:
    """What the product's handler writes, in either format."""
    config = logging_config(json=request.param, level="INFO")
    lines = StringIO()
    config["handlers"]["stderr"]["stream"] = lines
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logging.config.dictConfig(config | {"loggers": {}})
    yield lines
    root.handlers[:] = before
    root.setLevel(level)


def fails() -> None:
    """Raise what names a prompt three times."""
    try:
        raise KeyError(PROMPT)
    except KeyError as error:
        inner = ValueError(f"invalid input: {PROMPT}")
        raise ExceptionGroup(PROMPT, [inner, TypeError(PROMPT)]) from error


def is_without_prompt(written: str) -> bool:
    return not any(word in written for word in ("Dear", "Doe", "diagnosis", "grave"))


@pytest.mark.parametrize("name", ["gateway.http.endpoint", "gateway.pipeline.run", "uvicorn.error"])
def test_stack_and_kind_stay_and_the_words_go(log: StringIO, name: str) -> None:
    try:
        fails()
    except ExceptionGroup:
        logging.getLogger(name).exception("call %s failed", "req_1")

    written = log.getvalue()
    assert "call req_1 failed" in written
    assert "in fails" in written
    for kind in ("KeyError", "ExceptionGroup", "ValueError", "TypeError"):
        assert kind in written
    assert "ValueError: invalid input" in written
    assert is_without_prompt(written)


@pytest.mark.parametrize(
    ("path", "goes"),
    [("/developers/console/check", True), ("/demo/run", True), ("/developers/keys", False)],
)
def test_so_it_is_for_pages_that_receive_prompts(log: StringIO, path: str, goes: bool) -> None:
    request = RequestFactory().get(path)
    try:
        fails()
    except ExceptionGroup:
        logging.getLogger("django.request").exception("Failed", extra={"request": request})

    assert is_without_prompt(log.getvalue()) is goes


def test_so_it_is_for_a_task_that_nobody_awaited(log: StringIO) -> None:
    async def leave_a_task() -> None:
        async def task() -> None:
            fails()

        asyncio.create_task(task())  # noqa: RUF006 (that nobody keeps it is the point)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run(leave_a_task())

    assert "Task exception was never retrieved" in log.getvalue()
    assert "in fails" in log.getvalue()
    assert is_without_prompt(log.getvalue())
