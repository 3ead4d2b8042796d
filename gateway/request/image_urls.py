"""Decides which image and document URLs are forwarded to an upstream, which fetches them.

An upstream may run inside our own network, so a URL that names a machine there must not reach it.
Only `http(s)://` with an ordinary DNS name passes: no user names, no numeric hosts in any spelling
(`127.1`, `0x7f000001`, `[::1]`), no single-label or local names, and nothing that two URL parsers
could read differently (backslashes, white space, non-ASCII hosts). The upstream resolves the name
and must check the resulting address itself.
"""

import re
from typing import Any

from gateway.errors import InvalidRequest
from gateway.request import values

MAX_URL_CHARS = 8192
_LOCAL_SUFFIXES = (
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".intranet",
    ".private",
    ".corp",
    ".home",
    ".lan",
    ".arpa",
    ".onion",
    ".alt",
    ".test",
    ".invalid",
    # Customary in networks of companies, clusters and households, and never delegated in public.
    ".svc",
    ".consul",
    ".docker",
    ".intern",
    ".intra",
    ".localnet",
    ".priv",
    ".loc",
    ".dmz",
    ".dhcp",
    ".mail",
    ".workgroup",
    ".belkin",
    ".router",
    ".gateway",
    # Public names that routers and machines at home answer to.
    ".fritz.box",
    ".speedport.ip",
    ".mshome.net",
    # Public names that resolve to loopback or to an address in the name.
    ".nip.io",
    ".sslip.io",
    ".xip.io",
    ".localtest.me",
    ".lvh.me",
    ".vcap.me",
    ".lacolhost.com",
    ".traefik.me",
    ".localho.st",
    ".1u.ms",
    ".rbndr.us",
)
# The last label starts with a letter, as in no spelling of an IPv4 address.
_PUBLIC_URL = re.compile(
    r"https?://(?P<host>(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)+[a-z][a-z0-9-]{1,62})"
    r"(?::[0-9]{1,5})?(?:[/?#][^\s\x00-\x1f\x7f-\x9f]*)?",
    re.IGNORECASE | re.ASCII,
)


def check(value: Any, path: str) -> None:
    url = values.non_empty_string(value, path)
    if url[:5].lower() == "data:":
        raise InvalidRequest("Send inline data with a source of type 'base64'", path=path)
    if len(url) > MAX_URL_CHARS:
        raise InvalidRequest(f"URL should have at most {MAX_URL_CHARS} characters", path=path)
    match = _PUBLIC_URL.fullmatch(url)
    if match is None or f".{match['host'].lower()}".endswith(_LOCAL_SUFFIXES):
        raise InvalidRequest("Input should be a public http or https URL", path=path)
