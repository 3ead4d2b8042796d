"""What the refusal of a request says of its server's habits, by its words.

The call can then be made otherwise, and later ones are. Servers quote requests: words that stand in
the request as well say nothing, and names of fields are read from the beginning of a message, or
from the members of the error that hold nothing else.
"""

import re
from typing import Any, NamedTuple

from gateway.errors import Refusal

# Members of a body that a request can do without. `max_tokens` has another name at some servers.
OPTIONAL_FIELDS = frozenset(
    {
        *("temperature", "top_p", "top_k", "reasoning_effort", "parallel_tool_calls"),
        *("stream_options", "chat_template_kwargs", "enable_thinking", "max_tokens"),
    }
)
_CODES_OF_FIELDS = ("unsupported_parameter", "unsupported_value", "unknown_parameter")
_FIELD = re.compile(
    r"(?:unsupported (?:parameter|value)|unknown parameter|argument not supported on this model"
    r"|unrecognized request arguments? supplied):? ['\"`]?(?P<name>\w+)"
    r"|(?:property )?['\"`]?(?P<subject>\w+)['\"`]?"
    r"(?:: extra inputs are not permitted| is (?:not supported|unsupported|deprecated)\b)",
    re.IGNORECASE,
)
# Chat templates and strict servers, of a system message that is not the first one.
_NO_SYSTEM_TURNS = re.compile(
    r"system (?:message|prompt|role)s?\b.{0,40}\b(?:must|should|can only|only|has to)\b.{0,40}"
    r"\b(?:beginning|first|start)\b|(?:only|first).{0,40}system (?:message|prompt).{0,40}"
    r"(?:first|beginning|allowed|supported)|roles must alternate"
    r"|unexpected (?:message )?role:? ?.{0,3}system"
    r"|['\"`]user['\"`] ?(?:or|\|) ?['\"`]assistant['\"`]"
    r"|system (?:roles?|messages?|turns?) (?:is |are )?not (?:supported|allowed|permitted)"
    r"|multiple system messages",
    re.IGNORECASE,
)
# Of thinking whose signature the server cannot verify.
_NO_THINKING = re.compile(
    r"invalid.{0,20}(?:signature|data).{0,20}thinking|thinking.{0,20}signature.{0,20}"
    r"(?:invalid|not valid|expired|(?:could not|cannot) be verified)"
    r"|thinking.{0,20} blocks.{0,60}cannot be modified"
    r"|block is bound to a different conversation",
    re.IGNORECASE,
)
_MISSING_THINKING = re.compile(
    r"expected .?thinking.{0,40}but found|must start with a thinking block"
    r"|(?:reasoning_content|thinking)\b.{0,40}must be passed back"
    r"|reasoning_content\b.{0,3} is missing",
    re.IGNORECASE,
)
# Of models that think, and call no tool because they must.
_NO_FORCED_CALLS = re.compile(
    r"thinking mode does not support.{0,20}tool_choice"
    r"|tool_choice\b.{0,80}(?:in thinking mode|incompatible with thinking)",
    re.IGNORECASE,
)
_NO_THINKING_OFF = re.compile(
    r"(?:reasoning|thinking)\b.{0,40}(?:is mandatory|(?:cannot|can't|can not) be "
    r"(?:disabled|turned off|switched off))|only works in thinking mode"
    r"|does not support disabling (?:thinking|reasoning)"
    r"|disabled?\b.{0,20}thinking.{0,20}not supported|thinking.{0,20}disabled.{0,20}not supported",
    re.IGNORECASE,
)
_NO_USER_AFTER_TOOLS = re.compile(r"unexpected role .?user.? after role .?tool\b", re.IGNORECASE)
_ONLY_STREAMS = re.compile(
    r"\bstream['\"`]? (?:must|should|has to) be (?:set to )?true"
    r"|only supports? (?:the )?stream(?:ing)?\b|non-streaming.{0,40}not supported",
    re.IGNORECASE,
)
_ABOUT = (
    (_NO_THINKING, Refusal.THINKING),
    (_MISSING_THINKING, Refusal.MISSING_THINKING),
    (_NO_FORCED_CALLS, Refusal.FORCED_CALL),
    (_NO_THINKING_OFF, Refusal.THINKING_OFF),
    (_NO_USER_AFTER_TOOLS, Refusal.USER_AFTER_TOOLS),
    (_ONLY_STREAMS, Refusal.NOT_STREAMED),
)


class Subject(NamedTuple):
    """What a refusal is about."""

    refusal: Refusal
    field: str = ""


def of_system_turns(text: str, sent: bytes) -> bool:
    """Whether a server takes no system messages after the first."""
    return _says(_NO_SYSTEM_TURNS, text, sent)


def subject(error: dict[str, Any], text: str, sent: bytes) -> Subject:
    """What a refusal in these words is about; `error` is the object that holds them, and `sent` the
    request that was refused."""
    for pattern, refusal in _ABOUT:
        if _says(pattern, text, sent):
            return Subject(refusal)
    name = _field(error, text)
    return Subject(Refusal.FIELD, name) if name in OPTIONAL_FIELDS else Subject(Refusal.OTHER)


def _says(pattern: re.Pattern[str], text: str, sent: bytes) -> bool:
    """Whether the server says it, and does not quote the request."""
    found = pattern.search(text)
    return found is not None and found[0].encode() not in sent


def _field(error: dict[str, Any], text: str) -> str:
    named = error.get("param")
    if error.get("code") in _CODES_OF_FIELDS and isinstance(named, str):
        return named
    found = _FIELD.match(text)
    return (found["name"] or found["subject"]).lower() if found else ""
