"""What a caller attributes a call to: tags, a session, a user. Recorded, never interpreted."""

import hashlib
import re
from collections.abc import Mapping

from gateway.call import Caller, Labels
from gateway.errors import InvalidRequest
from gateway.request.parse import MessagesRequest

TAGS = "caicaini-tags"
SESSION = "x-claude-code-session-id"
MOST_TAGS = 8
LONGEST_TAG = 50
LONGEST_LABEL = 128
_TAG_PATTERN = rf"[A-Za-z0-9._:/@+=-]{{1,{LONGEST_TAG}}}"
_TAG = re.compile(_TAG_PATTERN)
_BLANK = "[ \\t]*"
# An empty header names no tags.
TAGS_PATTERN = (
    rf"^{_BLANK}({_TAG_PATTERN}{_BLANK}(,{_BLANK}{_TAG_PATTERN}{_BLANK}){{0,{MOST_TAGS - 1}}})?$"
)
TAG_RULE = (
    f"at most {MOST_TAGS} tags separated by commas, each of 1 to {LONGEST_TAG} letters, digits "
    "and . _ : / @ + = -"
)


def labelled(caller: Caller, headers: Mapping[str, str], request: MessagesRequest) -> Caller:
    """Return the caller with the call's labels; raises InvalidRequest for a wrong tag."""
    metadata = request.fields.get("metadata")
    if metadata is None and TAGS not in headers and SESSION not in headers:
        return caller
    labels = Labels(
        tags=_tags(headers.get(TAGS, "")),
        session_id=_short(headers.get(SESSION, "").strip()),
        user_label=_short((metadata or {}).get("user_id") or ""),
    )
    return caller._replace(labels=labels)


def _tags(header: str) -> tuple[str, ...]:
    if not header.strip(" \t"):
        return ()
    tags = [tag.strip(" \t") for tag in header.split(",")]
    if len(tags) > MOST_TAGS or not all(map(_TAG.fullmatch, tags)):
        raise InvalidRequest(f"Input should be {TAG_RULE}", path=TAGS)
    return tuple(dict.fromkeys(tags))


def _short(label: str) -> str | None:
    """Return a label, or its SHA-256 in hexadecimal if it is long, or no text for PostgreSQL."""
    if len(label) > LONGEST_LABEL or not label.isprintable():
        return hashlib.sha256(label.encode(errors="surrogatepass")).hexdigest()
    return label or None
