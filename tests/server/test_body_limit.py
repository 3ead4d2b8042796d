"""A body over the portal's limit is refused and not written to the disk."""

import json

import pytest

from billing.stripe import webhook
from server.body_limit import LARGEST_BYTES
from tests.server.raw_requests import Sender, head

FORM = "/accounts/login/"
WEBHOOK = "/webhooks/stripe"
TO_A_PERSON = {"accept": "text/html,*/*;q=0.8"}


def chunk(size: int) -> bytes:
    return b"%x\r\n%s\r\n" % (size, b"b" * size)


def test_an_announced_large_body_is_refused_before_it_is_sent(sender: Sender) -> None:
    sender.send(head(FORM, content_length=str(10**12), expect="100-continue", **TO_A_PERSON))

    answer = sender.answer()

    assert answer.status == 413
    page = answer.read().decode()
    assert "This is more than we take" in page
    assert str(answer.headers["request-id"]) in page
    assert answer.headers["content-security-policy"]
    assert answer.headers["connection"] == "close"


def test_an_endless_body_is_refused_once_it_is_too_large(sender: Sender) -> None:
    sender.send(head(FORM, transfer_encoding="chunked", **TO_A_PERSON))
    for _ in range(LARGEST_BYTES // 1024):
        sender.send(chunk(1024))
    sender.send(chunk(1))

    assert sender.answer().status == 413


def test_an_endless_body_is_not_read_further(sender: Sender) -> None:
    sender.send(head(FORM, transfer_encoding="chunked"))

    with pytest.raises(ConnectionError):
        sender.send(chunk(LARGEST_BYTES) * 100)


def test_a_client_that_still_sends_can_read_the_answer_afterwards(sender: Sender) -> None:
    sender.send(head(FORM, content_length=str(2 * LARGEST_BYTES)))
    sender.await_answer()
    for _ in range(1024):
        sender.send(b"b" * 1024)

    assert sender.answer().status == 413


def test_a_program_gets_the_error_as_json(sender: Sender) -> None:
    sender.send(head(WEBHOOK, content_length=str(LARGEST_BYTES + 1), accept="*/*"))

    answer = sender.answer()

    assert (answer.status, answer.headers["content-type"]) == (413, "application/json")
    body = json.load(answer)
    assert body["error"] == f"a body may have {LARGEST_BYTES} bytes"
    assert body["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize("framing", ["content-length", "chunked"])
def test_a_body_of_exactly_the_limit_reaches_the_view(sender: Sender, framing: str) -> None:
    """The webhook has a lower limit with an answer of its own."""
    if framing == "chunked":
        sender.send(
            head(WEBHOOK, transfer_encoding="chunked") + chunk(LARGEST_BYTES) + b"0\r\n\r\n"
        )
    else:
        sender.send(head(WEBHOOK, content_length=str(LARGEST_BYTES)) + b"b" * LARGEST_BYTES)

    assert sender.answer().read() == b"too large"


def test_a_body_within_the_webhooks_limit_reaches_it(sender: Sender) -> None:
    size = webhook.LARGEST_BYTES
    sender.send(head(WEBHOOK, content_length=str(size)) + b"b" * size)

    answer = sender.answer()

    assert answer.status == 400
    assert answer.read().startswith(b"refused: ")


def test_the_connection_serves_another_request_after_one_that_fits(sender: Sender) -> None:
    for _ in range(2):
        sender.send(head(WEBHOOK, content_length="2") + b"{}")
        answer = sender.answer()
        assert answer.status == 400
        answer.read()
