"""No image URL that any URL parser could resolve to a machine of ours reaches an upstream."""

import ipaddress
import itertools
import json
from urllib.parse import quote, urlsplit

import pytest

from gateway.errors import InvalidRequest
from gateway.request import parse

PRIVATE = [
    "127.0.0.1",
    "127.1.2.3",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
]


def spellings(address: str) -> list[str]:
    """One IPv4 address in every form that some resolver accepts."""
    a, b, c, d = address.split(".")
    number = int(ipaddress.IPv4Address(address))
    octal = ".".join(f"0{int(part):o}" for part in (a, b, c, d))
    hexadecimal = ".".join(f"0x{int(part):x}" for part in (a, b, c, d))
    wide = address.translate({ord(digit): ord(digit) - 0x30 + 0xFF10 for digit in "0123456789"})
    circled = address.replace("1", "①").replace("2", "②")
    return [
        address,
        f"{address}.",
        str(number),
        f"0x{number:x}",
        f"0{number:o}",
        octal,
        hexadecimal,
        f"{a}.{b}.{int(c) * 256 + int(d)}",
        f"{a}.{int(b) * 65536 + int(c) * 256 + int(d)}",
        f"0{a}.{b}.{c}.0x{int(d):x}",
        f"00000{a}.{b}.{c}.{d}",
        wide,
        circled,
        address.replace(".", "。"),
        address.replace(".", "%2e"),
        quote(address, safe="").replace("1", "%31"),
        f"[::ffff:{address}]",
        f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[64:ff9b::{address}]",
        f"[0:0:0:0:0:ffff:{address}%25lo]",
        f"{address}.nip.io",
        f"{address.replace('.', '-')}.sslip.io",
        f"user@{address}",
        f"user:secret@{address}",
        f"example.com@{address}",
        f"{address}\t",
        f" {address}",
        f"\u200b{address}",
        f"{address}\\@example.com",
        f"{address}%00.example.com",
        f"{address}\n.example.com",
    ]


NAMES = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "localhost.localdomain",
    "localtest.me",
    "a.localtest.me",
    "lvh.me",
    "metadata",
    "metadata.google.internal",
    "redis",
    "db.local",
    "printer.lan",
    "vault.corp",
    "svc.cluster.local",
    "db.default.svc",
    "redis.service.consul",
    "nas.intra",
    "wiki.loc",
    "fritz.box",
    "NAS.Fritz.Box",
    "laptop.mshome.net",
    "1.0.0.127.in-addr.arpa",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fd00::1]",
    "ⓛocalhost",
    "loc\u00adalhost",
    "ex ample.com",
    "-.com",
    ".com",
    "com",
    "example..com",
    "example.com.",
    "пример.рф",
    "",
]
SHAPES = [
    "http://{}/",
    "https://{}/a.png",
    "http://{}:80/",
    "HTTPS://{}:8443/x?y#z",
    "http://{}",
    "http:\\\\{}\\",
    "http:/{}/",
    "//{}/",
]
SCHEMES = [
    "file:///etc/passwd",
    "ftp://example.com/a.png",
    "gopher://example.com/",
    "data:image/png;base64,aGk=",
    "DATA:text/html,x",
    "javascript:alert(1)",
    "http:",
    "http://",
    "https:///example.com/",
    "http:example.com",
    "://example.com/",
    "example.com/a.png",
    "/a.png",
    "httpss://example.com/",
    "h\nttp://example.com/",
    " http://example.com/",
    "http://example.com:port/",
    "http://example.com:123456/",
    "http://example.com:80:80/",
    "http://example.com:80@10.0.0.1/",
    "http://example.com\\@10.0.0.1/",
    "http://example.com#@10.0.0.1/ x",
    "http://example.com/a b.png",
    "http://example.com/\r\nHost: 10.0.0.1",
    "http://exa%6dple.com/",
    "https://example.com/" + "a" * 9000,
]
TRICKS = [
    shape.format(host)
    for shape, host in itertools.product(
        SHAPES, [*itertools.chain.from_iterable(map(spellings, PRIVATE)), *NAMES]
    )
] + SCHEMES

PUBLIC = [
    "https://example.com/a.png",
    "http://example.com",
    "https://images.example.co.uk:8443/a/b%20c.png?w=10&sig=a/b+c==#top",
    "https://xn--bcher-kva.example/ü.png",
    "https://my_bucket.s3.eu-west-1.amazonaws.com/k?X-Amz-Date=1",
    "https://1.2.example.com/",
    "HTTPS://EXAMPLE.COM/A.PNG",
    "https://example.com?q=http://127.0.0.1/",
]


PATH = "messages.0.content.0.source.url"


def refusal(url: str, *, kind: str = "image") -> InvalidRequest | None:
    block = {"type": kind, "source": {"type": "url", "url": url}}
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [block]}]}
    try:
        parse.messages_request(json.dumps(body).encode())
    except InvalidRequest as error:
        return error
    return None


def test_private_addresses_in_any_spelling_are_rejected():
    assert len(set(TRICKS)) >= 2000
    refusals = {url: refusal(url) for url in TRICKS}
    assert [url for url, error in refusals.items() if error is None] == []
    assert {error.path for error in refusals.values() if error is not None} == {PATH}


def test_documents_are_held_to_the_same_rule():
    assert refusal("http://169.254.169.254/latest/meta-data/", kind="document") is not None
    assert refusal("https://example.com/a.pdf", kind="document") is None


@pytest.mark.parametrize("url", PUBLIC)
def test_ordinary_addresses_pass(url: str):
    assert urlsplit(url).hostname
    assert refusal(url) is None
