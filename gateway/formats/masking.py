"""Takes out of an upstream's words what names its machines, its files or its account.

Words and numbers stay, and so does everything that occurs in the caller's own request:

    No deployment gpt-prod-7 at vllm-3.internal:8000   →   No deployment … at …
    messages.0.content.1: `toolu_01A` is not known     →   as it is
"""

import re
from collections.abc import Iterable

MASK = "…"

# Addresses and secrets, which may hold what divides other tokens.
_WHOLE = re.compile(
    r"\b[a-z][a-z0-9+.-]*://[^\s'\"`<>)\]}]+"
    r"|\barn:[^\s'\"`<>)\]},]+"
    r"|\b[\w.+%-]+@[\w.-]+"
    r"|(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])"
    r"|(?:\b[a-z]:|\\)\\[^\s'\"`<>|,]+",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\s'\"`<>(){}\[\],;=|*!?…]+")
_EDGES = ".:-&"
# Of documentation, which validators name.
_PUBLIC = re.compile(
    r"https?://(?:json-schema\.org|(?:docs|platform|support)\.(?:anthropic|claude)\.com"
    r"|platform\.openai\.com)(?:[/#?][^\s]*)?"
)
_PREFIXED_ID = re.compile(
    r"(?:org|organization|proj|project|req|request|msg|acct|account|ws|wrkspc|workspace|file|user"
    r"|key|sk|pk|rk|cai|run|sess|session|chatcmpl|cmpl|resp|call|toolu|srvtoolu|container|batch"
    r"|deployment|dep|endpoint|ep|cluster|node|host|pod|vpc|subnet|sg|i|ip|tenant|team|apikey)"
    r"[-_](?=[\w-]*\d|[\w-]{12,})[\w-]{3,}|(?:AKIA|ASIA)[A-Z0-9]{8,}",
    re.IGNORECASE,
)
_UUID_OR_HEX = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}",
    re.IGNORECASE,
)
_LONG_NUMBER = re.compile(r"\d{10,}")
# Digits with what belongs to numbers, dates, sizes and ranges; and the letters of a unit.
_NUMBER = re.compile(r"[+\-~#$]?\d[\d.,:/%x+\-_]*(?:[a-z]{1,3}|th|tokens?)?", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?:[:/]\d+)?")
_WORD_WITH_DIGITS = re.compile(
    r"base64(?:-[a-z]+)?|(?:[a-z]\.)+[a-z]|utf-?\d+|u?int\d+|b?float\d+|fp\d+|sha-?\d+|md5|h26\d|mp[34]|http/?[\d.]*|[1-5]xx"
    r"|draft-?\d+|iso-?\d+|v\d{1,2}|[a-z]-z|x\d+",
    re.IGNORECASE,
)
_MEDIA_TYPE = re.compile(r"(?:image|application|text|audio|video)/[\w.+-]+")
_CLASS_OF_CHARACTERS = re.compile(r"(?:a-z|A-Z|0-9|a-f|A-F|\\[dwsS]|[\^$_+.:/\\-])+(?:\d{0,3})")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The names that paths in a request are made of.
LABELS = frozenset(
    {
        *("adaptive", "arguments", "auto", "base64", "body", "budget_tokens"),
        *("cache_control", "citations", "clear_thinking", "container", "content"),
        *("context_management", "custom", "data", "description", "disabled", "display"),
        *("document", "edits", "effort", "enabled", "ephemeral", "file", "file_id", "format"),
        *("function", "id", "image", "image_url", "input", "input_schema", "is_error", "items"),
        *("json_schema", "max_completion_tokens", "max_tokens", "mcp_servers"),
        *("media_type", "messages", "metadata", "model", "name", "output_config"),
        *("output_format", "parameters", "properties", "redacted_thinking", "required"),
        *("response_format", "role", "schema", "search_result", "server_tool_use"),
        *("signature", "source", "stop", "stop_sequences", "stream", "strict", "system"),
        *("task_budget", "temperature", "text", "thinking", "title", "tool_call_id"),
        *("tool_calls", "tool_choice", "tool_result", "tool_use", "tool_use_id", "tools"),
        *("top_k", "top_p", "ttl", "type", "url", "user", "user_id", "web_search"),
    }
)
_PATH = re.compile(r"([A-Za-z_]\w*(?:\.[\w-]+)*): ")
_TURNS_OF_CASE = re.compile(r"[a-z][A-Z]|[A-Z]{2,}[a-z]")


def masked(text: str, *, sent: bytes = b"", known: Iterable[str] = ()) -> str:
    """The text without what looks like a host, a path, an id or an ARN.

    `sent` is the caller's request, `known` are names that callers know; both stay. A text that
    begins with a path in the request keeps more: it is about a value of the caller's.
    """
    words = frozenset(known)

    def is_the_callers(token: str) -> bool:
        return token in words or (len(token) > 1 and token.encode() in sent)

    path = _PATH.match(text)
    is_about_a_value = path is not None and all(
        _is_label(label, sent) for label in path[1].split(".")
    )

    def of_whole(match: re.Match[str]) -> str:
        token = match[0]
        bare = token.rstrip(".,;")
        if not bare.endswith("::"):
            bare = bare.rstrip(":")
        if is_the_callers(bare) or _PUBLIC.fullmatch(bare):
            return token
        return MASK + token[len(bare) :]

    def of_token(match: re.Match[str]) -> str:
        token = match[0]
        bare = token.strip(_EDGES)
        if not bare or is_the_callers(bare) or not _is_a_name(bare, sent, is_about_a_value):
            return token
        begins = token.index(bare)
        return f"{token[:begins]}{MASK}{token[begins + len(bare) :]}"

    parts: list[str] = []
    end = 0
    for match in _WHOLE.finditer(text):
        parts.append(_TOKEN.sub(of_token, text[end : match.start()]))
        parts.append(of_whole(match))
        end = match.end()
    parts.append(_TOKEN.sub(of_token, text[end:]))
    return "".join(parts)


def _is_a_name(token: str, sent: bytes, is_about_a_value: bool) -> bool:
    """Whether a token looks like the name of a machine, a file or a thing of the account."""
    if _ADDRESS.fullmatch(token) or _LONG_NUMBER.search(token):
        return True
    if _NUMBER.fullmatch(token) or _WORD_WITH_DIGITS.fullmatch(token):
        return False
    if _PREFIXED_ID.fullmatch(token) or _UUID_OR_HEX.fullmatch(token):
        return True
    if _MEDIA_TYPE.fullmatch(token) or _CLASS_OF_CHARACTERS.fullmatch(token):
        return False
    if "/" in token or "\\" in token:
        return _is_a_path(token)
    if "." in token or ":" in token:
        return not all(_is_label(label, sent) for label in re.split(r"[.:]+", token) if label)
    if any(char.isdigit() for char in token) and any(char.isalpha() for char in token):
        return not is_about_a_value or "-" in token
    return len(token) >= 16 and len(_TURNS_OF_CASE.findall(token)) >= 4


def _is_a_path(token: str) -> bool:
    """`and/or` is none, nor is `input/output`."""
    first, _, rest = token.partition("/")
    return not (first.isalpha() and rest.isalpha() and token.isascii())


def _is_label(label: str, sent: bytes) -> bool:
    """Whether it is a part of a path in the caller's request."""
    if label.isdigit() or label in LABELS:
        return True
    return _LABEL.fullmatch(label) is not None and f'"{label}"'.encode() in sent
