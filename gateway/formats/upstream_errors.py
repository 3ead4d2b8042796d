"""Maps an upstream's error, in either format, to the error that the caller receives.

Nearly all upstreams answer `{"error": {"message": …, "type": …, "code": …}}`. The upstream's
message is passed on only for a fault of the request itself, without what names the upstream's
machines, files or account (masking.py). All other errors, such as a rejected credential of ours,
are the operator's to fix, and callers receive a general message. The original is kept with the
error, for the operator's log.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from gateway.errors import (
    InvalidToolInput,
    Refusal,
    UpstreamError,
    UpstreamFailed,
    UpstreamMisconfigured,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamTimeout,
)
from gateway.formats import account_faults, lenient_json, refusals, too_long
from gateway.formats.masking import masked

_MAX_MESSAGE_CHARS = 600
# The rest of a message is ignored: some servers quote the request, and a crafted one could make the
# patterns below run for seconds.
_READ_CHARS = 2000
_MAX_RETRY_AFTER_S = 300
_GENERIC_MESSAGE = "The model does not accept this request."
# Markup, credentials, stack traces, and validators that quote their input: not a word is passed on.
_UNSAFE = re.compile(
    r"<[!/a-z]|localhost|bearer\s|traceback|input_value|['\"]input['\"]\s*:", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "BadRequestError": 400,
    "exceed_context_size_error": 400,
    "context_length_exceeded": 400,
    "request_too_large": 413,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded_error": 529,
    "service_unavailable_error": 503,
    "timeout_error": 504,
}
# Members of a body under a 200 that say that it is an error, or hold one.
_WITH_ERRORS = frozenset({"error", "object", "choices", "x_groq", "base_resp"})
# The codes of MiniMax, which answers with a 200: https://platform.minimax.io, "Error codes".
_STATUS_OF_MINIMAX = {
    1001: 504,  # timeout
    1002: 429,  # rate limit
    1004: 401,  # authentication
    1008: 402,  # balance
    1026: 400,  # the input is refused by its filter
    1027: 400,  # the output is
    1039: 429,  # token limit
    1041: 429,  # connections
    2013: 400,  # parameters
    2049: 401,  # API key
}
# Groq and Ollama, of a call that the model wrote wrongly: another attempt may do better.
_MODELS_FAULT = "tool_use_failed"
_IS_BAD_CALL = re.compile(
    r"failed to call a function|(?:error|failed)(?: to)? pars(?:e|ing) tool call", re.IGNORECASE
).match
_IS_STATUS = re.compile(r"[45][0-9]{2}").fullmatch
_TIMEOUTS = (408, 504)
# Credentials, an account without credit, a model or an address that the upstream does not know.
_OPERATOR_FAULTS = (401, 402, 403, 404)
_ACCOUNT_FAULTS = (401, 402)  # which no request can provoke
_BUSY = (425, 429, 503, 529)
_REQUEST_FAULTS = (400, 413, 422)
_TOO_LARGE = 413
# The two wordings that clients act on pass as they are.
_TOO_LONG_CANONICAL = re.compile(
    r"prompt is too long: \d+ tokens > \d+ maximum"
    r"|input length and `max_tokens` exceed context limit: \d+ \+ \d+ > \d+"
)
_MAY_BE_TOO_LONG = (400, 413, 422, 500)
_NO_IMAGES = re.compile(
    r"image input is not supported|does not support image|not a multimodal", re.IGNORECASE
)


class HiddenWords(dict[str, str]):
    """Words that callers must not read, and what replaces them. `sent` is the request as it was
    sent to the upstream: what occurs in it is no secret."""

    def __init__(self, words: Mapping[str, str], *, sent: bytes = b"") -> None:
        super().__init__(words)
        self.sent = sent


def decode_error(
    status: int,
    body: bytes,
    retry_after: str | None,
    *,
    hide: Mapping[str, str] | None = None,
) -> UpstreamError:
    """The error for a response that is not a success. `hide` as in `protocol.Format`."""
    error = _error_of(body)
    noted = error or ({"detail": body[:_READ_CHARS].decode(errors="replace")} if body else {})
    return _noted(_classify(status, error, retry_after, hide), status, noted)


def in_band(body: dict[str, Any]) -> Any:
    """The error in a body, or in an event, under a 200; None in an answer."""
    if body.keys().isdisjoint(_WITH_ERRORS):
        return None  # nearly always, in the Messages format
    error = body.get("error")
    if error or (error is not None and not _holds_an_answer(body)):
        return error
    if body.get("object") == "error":  # vLLM, SGLang, Mistral: as in the body of an error status
        return body
    if (error := _beside_an_answer(body)) is not None:
        return error
    state = body.get("base_resp")
    if not isinstance(state, dict) or body.get("choices"):
        return None
    code = state.get("status_code")
    if not code:
        return None
    return {"message": state.get("status_msg"), "code": _STATUS_OF_MINIMAX.get(code, 500)}


def _beside_an_answer(body: dict[str, Any]) -> Any:
    """The error that ends an answer, in its choice (OpenRouter) or in `x_groq`."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    for part in (first, body.get("x_groq")):
        if isinstance(part, dict) and part.get("error"):
            return part["error"]
    return None


def _holds_an_answer(body: dict[str, Any]) -> bool:
    """Whether it has the content of an answer, beside which an empty `error` means none."""
    return isinstance(body.get("choices"), list) or isinstance(body.get("content"), list)


def decode_in_band(error: Any, *, hide: Mapping[str, str] | None = None) -> UpstreamError:
    """The error inside a response whose status was 200."""
    details = error if isinstance(error, dict) else {"message": error}
    code = details.get("code")
    status = int(str(code)) if _IS_STATUS(str(code)) else 0  # LiteLLM writes it in quotes
    if not status:
        named = (_STATUS_OF_TYPE.get(str(details.get(name))) for name in ("type", "code"))
        status = next(filter(None, named), 500)
    return _noted(_classify(status, details, None, hide), status, details)


def _noted(decoded: UpstreamError, status: int, error: dict[str, Any]) -> UpstreamError:
    """The error, with the upstream's own words for the operator's log."""
    message = error.get("message", error.get("detail"))
    words = message if isinstance(message, str) else repr(message)
    decoded.original = f"{status} {error.get('type') or error.get('code') or ''}: {words}"[
        :_READ_CHARS
    ]
    return decoded


def _error_of(body: bytes) -> dict[str, Any]:
    """The error object in any of the shapes that servers use; empty for anything else."""
    try:
        decoded = lenient_json.decode_error(body)
    except UpstreamFailed:
        return {}
    error = decoded.get("error", decoded)
    return error if isinstance(error, dict) else {"message": error}


def _classify(
    status: int, error: dict[str, Any], retry_after: str | None, hide: Mapping[str, str] | None
) -> UpstreamError:
    hide = {} if hide is None else hide
    text = _text_of(error)
    if _is_models_fault(error, text):
        return InvalidToolInput()
    if status in _REQUEST_FAULTS and account_faults.is_one(error, text, _sent(hide)):
        return UpstreamMisconfigured(is_certain=False)
    if (refused := _refused(status, error, text, hide)) is not None:
        return refused.of_size() if status == _TOO_LARGE else refused
    if status in _TIMEOUTS:
        return UpstreamTimeout()
    if status in _BUSY:
        return UpstreamOverloaded(retry_after_s=_retry_after_s(retry_after))
    if status in _OPERATOR_FAULTS:
        return UpstreamMisconfigured(is_certain=status in _ACCOUNT_FAULTS)
    return UpstreamFailed()


def _text_of(error: dict[str, Any]) -> str:
    """The error's message. Validators of FastAPI list what is wrong, and where."""
    message = error.get("message", error.get("detail"))
    if isinstance(message, list):
        faults = [fault for fault in message if isinstance(fault, dict) and fault.get("msg")]
        message = "; ".join(f"{_path_of(fault)}: {fault['msg']}" for fault in faults)
    return " ".join(message[:_READ_CHARS].split()) if isinstance(message, str) else ""


def _path_of(fault: dict[str, Any]) -> str:
    path = fault.get("loc")
    return ".".join(map(str, path)) if isinstance(path, list) else ""


def _is_models_fault(error: dict[str, Any], text: str) -> bool:
    """Whether the model wrote a call that its server cannot read."""
    quoted = f'"{_MODELS_FAULT}"'  # by a gateway in front of the server
    return error.get("code") == _MODELS_FAULT or bool(_IS_BAD_CALL(text)) or quoted in text


def _refused(
    status: int, error: dict[str, Any], text: str, hide: Mapping[str, str]
) -> UpstreamRefused | None:
    """The refusal of the request, by the status or by words that say so under another one."""
    said, sent = f"{text} {_quoted(error)}".strip()[: 2 * _READ_CHARS], _sent(hide)
    is_size = status in _MAY_BE_TOO_LONG
    if is_size and (refused := _refused_size(error, text, said, hide)) is not None:
        return refused
    if _NO_IMAGES.search(text):
        return UpstreamRefused("This model does not accept images.")
    is_of_request = status in _REQUEST_FAULTS
    words = _caller_message(text, hide) if is_of_request else _GENERIC_MESSAGE
    if is_size and refusals.of_system_turns(said, sent):
        return UpstreamRefused(words, refusal=Refusal.SYSTEM_TURNS)
    if not is_of_request:
        return None
    about = refusals.subject(error, said, sent)
    return UpstreamRefused(words, refusal=about.refusal, field=about.field)


def _caller_message(text: str, hide: Mapping[str, str]) -> str:
    for secret, replacement in hide.items():
        text = text.replace(secret, replacement)
    is_readable = 0 < len(text) <= _MAX_MESSAGE_CHARS and text.isprintable()
    if not is_readable or _UNSAFE.search(text):
        return _GENERIC_MESSAGE
    text = masked(text, sent=_sent(hide), known=hide.values())
    return text if _WORD.search(text) else _GENERIC_MESSAGE


def _sent(hide: Mapping[str, str]) -> bytes:
    return hide.sent if isinstance(hide, HiddenWords) else b""


def _refused_size(
    error: dict[str, Any], text: str, said: str, hide: Mapping[str, str]
) -> UpstreamRefused | None:
    """The refusal of a prompt that is too long, or of `max_tokens`, in the wordings that clients
    act on. Without numbers of its own, the call has them. `said` is the text with what is quoted
    beside it."""
    if match := _TOO_LONG_CANONICAL.match(text):
        return UpstreamRefused(match[0])
    if (cap := too_long.output_cap(said)) is not None:
        model = next(iter(hide.values()), "this model")
        refusal = UpstreamRefused(
            f"max_tokens: the maximum allowed number of output tokens for {model} is {cap.limit}",
            refusal=Refusal.MAX_TOKENS,
            limit=cap.limit,
        )
        return refusal.completed(sent=cap.requested, limit=None, model=model)
    words = f"{text} {error.get('code')} {error.get('type')} {_quoted(error)}"
    found = too_long.too_long(error, said, words[: 2 * _READ_CHARS])
    if found is None:
        return None
    if (message := found.message()) is not None:
        return UpstreamRefused(message)
    return UpstreamRefused(
        "prompt is too long (capability_rejected: prompt_too_long)", refusal=Refusal.PROMPT
    )


def _quoted(error: dict[str, Any]) -> str:
    """Words in other members: the error of the provider behind the upstream, which OpenRouter
    quotes, and a sentence in the place of a field's name (Xiaomi)."""
    metadata, param = error.get("metadata"), error.get("param")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    quoted = [raw, param if " " in str(param) else None]
    words = " ".join(one[:_READ_CHARS] for one in quoted if isinstance(one, str))
    return " ".join(words.split())


def _retry_after_s(retry_after: str | None) -> int | None:
    """Whole seconds; None without a valid value, or for one too long to be worth a retry."""
    if retry_after is None:
        return None
    if re.fullmatch(r"\d{1,6}(\.\d+)?", retry_after.strip()):
        seconds = math.ceil(float(retry_after))
    elif (moment := _http_date(retry_after)) is not None:
        seconds = max(1, math.ceil((moment - datetime.now(UTC)).total_seconds()))
    else:
        return None
    return seconds if seconds <= _MAX_RETRY_AFTER_S else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
