"""Whatever a client sends, the portal's answer is no 500."""

from contextlib import closing
from http import HTTPStatus

import pytest

from tests.server.raw_requests import Sender
from tests.support.servers import WebServer

pytestmark = pytest.mark.django_db  # else the server's database is never made

FORM = b"/accounts/login/"
WEBHOOK = b"/webhooks/stripe"
# The first check of a form passes, so that its fields are read.
TOKEN = b"c" * 32
AS_A_PAGE = (b"cookie: csrftoken=" + TOKEN, b"x-csrftoken: " + TOKEN, b"accept: text/html")

UNREADABLE_TYPES = (
    b"text/plain; charset*=no-charset''%ff",
    b"text/plain; x*=no-charset''%ff",
    b"text/plain; charset*=idna''%ff",
    b"text/plain; charset*=undefined''%ff",
    b"multipart/form-data; boundary=b; charset=hex",
    b"multipart/form-data; boundary=b; charset=undefined",
    b"multipart/form-data; boundary=b; charset=utf-16",
)
READABLE_TYPES = (
    b"multipart/form-data; boundary=b; charset=UTF-8",
    b"multipart/form-data; boundary=b; charset=no-charset",
    b"application/json; charset=utf-8",
    b";;;=;\xff",
)
TARGETS = (
    b"/?\xff",
    b"/?q=%ff&next=%ed%a0%80",
    b"/?" + b"&".join(b"a=%d" % number for number in range(2000)),
    b"/accounts/login/?next=http://[",
    b"/accounts/login/?next=%2f%2f%5b",
    b"/%ff%00",
    b"/" + b"a" * 60_000,
    b"/docs/" + b"a" * 5000,
    b"/docs/search?q=" + b"a" * 50_000,
    b"/static/%00",
    b"/static/" + b"a" * 5000,
    b"/static/..%2f..%2fmanage.py",
    b"/development/mail/" + b"a" * 5000,
    b"/development/mail/%00",
    b"/accounts/confirm-email/%ff:" + b"a" * 5000,
    b"/developers/usage?before=%ff",
    b"/developers/keys/" + b"9" * 5000,
    b"http://[/",
    b"//[",
    b"*",
)
HEADERS = (
    b"host: [",
    b"host: a_b.\xff",
    b"cookie: sessionid=\xff; csrftoken=\xff; messages=\xff",
    b'cookie: messages="[[\\"__json_message\\"; sessionid=' + b"s" * 5000,
    b"cookie: " + b";=," * 500,
    b"referer: http://[",
    b"origin: http://[",
    b"hx-request: true\r\nhx-current-url: http://[\r\nhx-target: \xff",
    b"hx-request: true\r\nhx-current-url-uri-autoencoded: true\r\nhx-current-url: %ff",
    b"accept-encoding: ;q=\xff",
    b"accept: ;q=a,\xff",
    b"range: bytes=a-b",
    b"if-modified-since: the day before\r\nif-none-match: \xff",
    b"x-forwarded-for: \xff\r\nx-forwarded-proto: \xff",
)
PART = b'--b\r\ncontent-disposition: form-data; name="login"'
BODIES = (
    b"",
    b"--b",
    b"--b\r\n\r\n--b--\r\n",
    PART,
    PART + b"\r\n\r\n\xff\r\n--b--\r\n",
    PART + b"; filename*=no-charset''%ff\r\n\r\na\r\n--b--\r\n",
    PART + b'; filename="../\x00"\r\ncontent-type: text/plain; charset=hex\r\n\r\na\r\n--b--\r\n',
    PART + b"\r\ncontent-transfer-encoding: base64\r\n\r\n!\r\n--b--\r\n",
    PART + b"\r\n\r\na\r\n" + (PART + b"\r\n\r\na\r\n") * 2000 + b"--b--\r\n",
    PART
    + b'; filename="a"\r\n\r\na\r\n'
    + (PART + b'; filename="a"\r\n\r\na\r\n') * 200
    + b"--b--",
)


def request(method: bytes, target: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    named = [one for one in headers if one.startswith(b"host:")] or [b"host: localhost"]
    others = [one for one in headers if not one.startswith(b"host:")]
    length = [b"content-length: %d" % len(body)] if method == b"POST" else []
    lines = [method + b" " + target + b" HTTP/1.1", *named, *others, *length, b"", body]
    return b"\r\n".join(lines)


def answer_to(server: WebServer, sent: bytes) -> tuple[int, str]:
    """Send the request; return the status and the text of its answer."""
    with closing(Sender(server)) as sender:
        sender.send(sent)
        answer = sender.answer(sent.partition(b" ")[0].decode())
        return answer.status, answer.read().decode(errors="replace")


def assert_no_fault(server: WebServer, sent: bytes) -> None:
    before = len(server.log())
    status, _ = answer_to(server, sent)
    assert status < HTTPStatus.INTERNAL_SERVER_ERROR, server.log()[before:]


@pytest.mark.parametrize("target", [b"/", FORM, WEBHOOK, b"/nowhere"])
@pytest.mark.parametrize("content_type", UNREADABLE_TYPES)
def test_a_content_type_that_cannot_be_read_is_a_400_with_a_page(
    server: WebServer, content_type: bytes, target: bytes
) -> None:
    sent = request(b"POST", target, b"content-type: " + content_type, *AS_A_PAGE, body=PART)

    status, text = answer_to(server, sent)

    assert status == HTTPStatus.BAD_REQUEST
    assert "This request cannot be read" in text


@pytest.mark.parametrize("content_type", READABLE_TYPES)
def test_other_content_types_reach_the_view(server: WebServer, content_type: bytes) -> None:
    sent = request(b"POST", FORM, b"content-type: " + content_type, *AS_A_PAGE, body=b"{}")

    status, text = answer_to(server, sent)

    assert status < HTTPStatus.INTERNAL_SERVER_ERROR
    assert "This request cannot be read" not in text or b"multipart" in content_type


@pytest.mark.parametrize("target", TARGETS)
def test_no_address_breaks_a_page(server: WebServer, target: bytes) -> None:
    for method in (b"GET", b"HEAD", b"POST", b"OPTIONS", b"PUT"):
        assert_no_fault(server, request(method, target, *AS_A_PAGE))


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("target", [b"/", FORM, b"/developers/keys", b"/static/img/icon.svg"])
def test_no_header_breaks_a_page(server: WebServer, target: bytes, header: bytes) -> None:
    for method in (b"GET", b"POST"):
        assert_no_fault(server, request(method, target, header))


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("boundary", [b"b", b"", b"=", b"b" * 300, b"\xff"])
def test_no_form_breaks_a_page(server: WebServer, boundary: bytes, body: bytes) -> None:
    for content_type in (b"multipart/form-data; boundary=" + boundary, b"multipart/mixed", b"text"):
        header = b"content-type: " + content_type
        assert_no_fault(server, request(b"POST", FORM, header, *AS_A_PAGE, body=body))
