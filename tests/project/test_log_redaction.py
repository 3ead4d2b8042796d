"""No log line holds what opens something: a link in a mail, or a key."""

import logging
import logging.config

import pytest
from django.test import RequestFactory

from caicaini_portal.log_config import logging_config
from keys import tokens

LINK = "/accounts/confirm-email/MQ:1abcDE:x-Y_z0123456789/"
RESET = "/accounts/password/reset/key/1-cq7x9w-0123456789abcdef/"


def line_of(record: logging.LogRecord, *, json: bool) -> str:
    formatters = logging_config(json=json, level="INFO")["formatters"]
    wanted = dict(formatters["json" if json else "readable"])
    factory = logging.config._resolve(wanted.pop("()"))  # type: ignore[attr-defined]
    line: str = factory(**wanted).format(record)
    return line


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("path", [LINK, RESET])
def test_the_key_of_a_link_is_left_out_of_message_request_and_traceback(
    json: bool, path: str
) -> None:
    key = path.split("/")[-2]
    logger = logging.getLogger("django.request")
    try:
        raise ValueError(path)
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logger.makeRecord(
        logger.name,
        logging.WARNING,
        __file__,
        1,
        "Not Found: %s",
        (path,),
        info,
        extra={"request": RequestFactory().get(path), "status_code": 404},
    )

    line = line_of(record, json=json)

    assert "Not Found" in line
    assert key not in line
    assert path.removesuffix(f"{key}/") + "…" in line or "\\u2026" in line


@pytest.mark.parametrize("json", [False, True])
def test_a_token_is_left_out(json: bool) -> None:
    token = tokens.new_token()
    record = logging.makeLogRecord({"msg": f"GET /v1/models with {token}", "levelname": "INFO"})

    assert token[8:] not in line_of(record, json=json)
