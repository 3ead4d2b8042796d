"""Faults below the body: DNS, connections, heads, lengths, encodings, redirects."""

import asyncio
import gzip

from tests.gateway.faults.table import (
    ANSWERED,
    FAILED,
    MESSAGES_ONLY,
    PLAIN,
    STREAMED,
    TIMEOUT,
    UNAVAILABLE,
    Fault,
    in_every_format,
)
from tests.support.replies import answers, does, half_close, message, reset, silence
from tests.support.scripted_upstream import Exchange, Play

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


async def pause(exchange: Exchange) -> None:
    """Let the bytes that were sent arrive in a read of their own."""
    await asyncio.sleep(0.2)


LATE_NONSENSE = (CHUNKED + b"1\r\n{\r\n", pause, b"zz\r\n", silence)
METADATA = "http://169.254.169.254/latest/meta-data/"


def sized(head: bytes, body: bytes, *, by: int = 0) -> Play:
    """Send a body with a content-length that is `by` bytes too large."""
    return does(head + b"content-length: %d\r\n\r\n" % (len(body) + by) + body)


async def pour(exchange: Exchange) -> None:
    """Send zeros without end."""
    while True:
        await exchange.send(b"0" * 1_000_000)


async def drip(exchange: Exchange) -> None:
    """Send a head that never ends, a byte at a time."""
    for byte in HEAD * 1000:
        await exchange.send(bytes([byte]))
        await asyncio.sleep(0.02)


async def processing(exchange: Exchange) -> None:
    """Send 102 Processing without end."""
    while True:
        await exchange.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        await asyncio.sleep(0.02)


def redirect(status: int, location: str = "") -> Play:
    """Redirect to `location`, by default to another path of this server."""

    async def play(exchange: Exchange) -> None:
        here = f"http://{exchange.request.headers['host']}/v1/messages/elsewhere"
        await exchange.reply(b"", status=status, headers=(f"location: {location or here}",))

    return play


def zipped(body: bytes) -> Play:
    return answers(gzip.compress(body), headers=("content-encoding: gzip",))


def announced(body: bytes) -> Play:
    """Answer after two informational responses."""

    async def play(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await exchange.send(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
        await exchange.reply(body)

    return play


FAULTS = [
    # No connection.
    Fault(
        "nothing listens",
        in_every_format(does()),
        UNAVAILABLE,
        MESSAGES_ONLY,
        "scripted/unreachable",
    ),
    Fault(
        "its name does not resolve",
        in_every_format(does()),
        UNAVAILABLE,
        MESSAGES_ONLY,
        "scripted/nameless",
    ),
    Fault(
        "it never accepts",
        in_every_format(does()),
        UNAVAILABLE,
        MESSAGES_ONLY,
        "scripted/deaf",
        has_deadline=True,
    ),
    Fault(
        "it does not support TLS",
        in_every_format(does()),
        UNAVAILABLE,
        MESSAGES_ONLY,
        "scripted/plaintext",
        has_deadline=True,
    ),
    # No head.
    Fault("it accepts and sends nothing", in_every_format(does(silence)), TIMEOUT),
    Fault("it hangs up", in_every_format(does()), FAILED),
    Fault("it half-closes", in_every_format(does(half_close)), FAILED),
    Fault("it resets", in_every_format(does(reset)), FAILED),
    Fault("half a head, then silence", in_every_format(does(HEAD, silence)), TIMEOUT),
    Fault("half a head, then nothing more", in_every_format(does(HEAD[:30])), FAILED),
    Fault("half a head, then a half-close", in_every_format(does(HEAD, half_close)), FAILED),
    Fault("half a head, then a reset", in_every_format(does(HEAD, reset)), FAILED),
    Fault("a head that drips", in_every_format(does(drip)), TIMEOUT),
    Fault("another protocol", in_every_format(does(b"SSH-2.0-OpenSSH_9.2\r\n")), FAILED),
    Fault("a status that is not a number", in_every_format(does(b"HTTP/1.1 abc\r\n\r\n")), FAILED),
    Fault("an unknown HTTP version", in_every_format(does(b"HTTP/9.9 200 OK\r\n\r\n")), FAILED),
    Fault("headers without end", in_every_format(does(HEAD, b"x: y\r\n" * 50_000)), FAILED),
    Fault("a header without end", in_every_format(does(HEAD, b"x: " + b"y" * 9_000_000)), FAILED),
    Fault("a NUL in a header", in_every_format(does(HEAD, b"x: a\0b\r\n\r\n{}")), FAILED),
    Fault("a header without a name", in_every_format(does(HEAD, b": a\r\n\r\n{}")), FAILED),
    Fault("102 without end", in_every_format(does(processing)), TIMEOUT),
    Fault("another protocol from here on", in_every_format(answers(b"", status=101)), FAILED),
    # A head that does not fit the body.
    Fault("a body shorter than its length", lambda wire: sized(HEAD, wire.answer(), by=9), FAILED),
    Fault("a body longer than its length", lambda wire: sized(HEAD, wire.answer(), by=-9), FAILED),
    Fault(
        "two lengths",
        lambda wire: sized(HEAD + b"content-length: 9\r\n", wire.answer()),
        FAILED,
    ),
    Fault(
        "a negative length", in_every_format(does(HEAD + b"content-length: -1\r\n\r\n{}")), FAILED
    ),
    Fault(
        "a length that is not a number",
        in_every_format(does(HEAD + b"content-length: two\r\n\r\n{}")),
        FAILED,
    ),
    Fault(
        "a length and chunks",
        lambda wire: sized(HEAD + b"transfer-encoding: chunked\r\n", wire.answer()),
        FAILED,
    ),
    Fault(
        "chunks without sizes", in_every_format(does(CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n")), FAILED
    ),
    Fault("a chunk without a size, later", in_every_format(does(*LATE_NONSENSE)), FAILED, PLAIN),
    Fault(
        "a chunk shorter than its size", in_every_format(does(CHUNKED + b"ff\r\n{}\r\n")), FAILED
    ),
    Fault(
        "a chunk of any size", in_every_format(does(CHUNKED + b"f" * 40 + b"\r\n{}\r\n")), FAILED
    ),
    Fault(
        "a body that is cut", in_every_format(does(HEAD + b'content-length: 9\r\n\r\n{"a')), FAILED
    ),
    Fault(
        "a body that stops",
        in_every_format(does(HEAD + b"content-length: 9\r\n\r\n{", silence)),
        TIMEOUT,
    ),
    Fault("a body without end", in_every_format(does(HEAD + b"\r\n", pour)), FAILED, PLAIN[:1]),
    Fault("no content", in_every_format(does(b"HTTP/1.1 204 No Content\r\n\r\n")), FAILED),
    # Content encodings, which were not requested.
    Fault("gzip", lambda wire: zipped(wire.answer()), FAILED),
    Fault("a gzip bomb", in_every_format(zipped(b" " * 50_000_000)), FAILED),
    Fault(
        "a gzip bomb as a stream",
        in_every_format(
            answers(
                gzip.compress(b"data: " + b" " * 50_000_000),
                content_type="text/event-stream",
                headers=("content-encoding: gzip",),
            )
        ),
        FAILED,
        STREAMED,
    ),
    Fault(
        "plain text declared as gzip",
        lambda wire: answers(wire.answer(), headers=("content-encoding: gzip",)),
        ANSWERED,
    ),
    # Redirects, which are not followed.
    *(
        Fault(f"{status} to itself", in_every_format(redirect(status)), FAILED)
        for status in (301, 302, 303, 307, 308)
    ),
    Fault("307 to loopback", in_every_format(redirect(307, "http://127.0.0.1:22/")), FAILED),
    Fault("307 to the cloud's metadata", in_every_format(redirect(307, METADATA)), FAILED),
    Fault("302 to a file", in_every_format(redirect(302, "file:///etc/passwd")), FAILED),
    # Unusual, but valid.
    Fault("100 and 103 first", lambda wire: announced(wire.answer()), ANSWERED),
    Fault("no length, but a proper end", lambda wire: does(HEAD, b"\r\n", wire.answer()), ANSWERED),
    Fault(
        "white space while it thinks",
        lambda wire: does(HEAD, b"\r\n\n", pause, b" ", pause, wire.answer()),
        ANSWERED,
    ),
    Fault(
        "HTTP/1.0, ended by hanging up",
        lambda wire: does(
            b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", *wire.frames()
        ),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "chunks with extensions and a trailer",
        in_every_format(
            does(
                CHUNKED + b"%x;a=b\r\n" % len(message()) + message() + b"\r\n0\r\nx-late: 1\r\n\r\n"
            )
        ),
        ANSWERED,
        MESSAGES_ONLY,
    ),
]
