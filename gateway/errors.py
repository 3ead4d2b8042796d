"""Everything that can go wrong with a call, as the caller sees it.

    GatewayError
    ├── InvalidRequest        400 invalid_request_error
    ├── InvalidApiKey         401 authentication_error
    ├── KeyRevoked            401 authentication_error
    ├── OutOfCredits          402 billing_error
    ├── PermissionDenied      403 permission_error
    ├── ModelNotFound         404 not_found_error
    ├── ThreadNotFound        404 not_found_error
    ├── RequestNotFound       404 not_found_error
    ├── RouteNotFound         404 not_found_error
    ├── MethodNotAllowed      405 invalid_request_error
    ├── BodyTooLarge          413 request_too_large
    ├── CreditsHeld           429 rate_limit_error
    ├── BusyUploading         429 rate_limit_error
    ├── RateLimited           429 rate_limit_error
    ├── InternalFailure       500 api_error
    ├── LedgerUnavailable     503 api_error
    ├── GatewayOverloaded     529 overloaded_error
    ├── ShuttingDown          529 overloaded_error
    └── UpstreamError         the model's server failed or refused
        ├── UpstreamRefused     400 invalid_request_error   the request itself is at fault: final
        │                    or 413 request_too_large
        ├── UpstreamFailed      500 api_error               another upstream may do better
        ├── InvalidToolInput    500 api_error               another attempt may do better
        ├── UpstreamEmpty       529 overloaded_error        one further attempt
        ├── UpstreamReplyTooLarge 500 api_error             final
        ├── UpstreamMisconfigured 500 api_error             the operator's fault; no retry
        ├── UpstreamUnavailable 529 overloaded_error        no connection, or its breaker is open
        ├── UpstreamTimeout     504 timeout_error           another upstream may do better
        └── UpstreamOverloaded  529 overloaded_error        another one, or this one a little later

The body is the one every client of the Messages API parses:

    {"type": "error", "error": {"type": "billing_error", "message": "…",
     "details": {"error_code": "out_of_credits"}}, "request_id": "req_…"}

No message may carry an upstream's address, a key, HTML or a prompt. Texts that come from an
upstream pass `formats.upstream_errors` first.
"""

from enum import Enum
from typing import Any, ClassVar

import msgspec

from gateway import sse
from keys.gateway_queries import CachedKey

_MOST_REASON_CHARS = 1_000


def forget_frames(error: BaseException) -> None:
    """Drop the tracebacks of a handled error and of those behind it.

    They refer to each frame that the error has passed. A frame that keeps it in a variable closes a
    cycle: the request and its encoded form would stay in memory until the garbage collector finds
    it, and the gateway has it run seldom.
    """
    behind: BaseException | None = error
    while behind is not None:
        behind.__traceback__ = None
        behind = behind.__cause__ or behind.__context__


class GatewayError(Exception):
    """A response other than success. Subclasses are named for what happened."""

    status: int = 500
    type: str = "api_error"
    error_code: str | None = None
    # True or False steers the clients' own retries (header `x-should-retry`); None leaves
    # them to their rule by status: 408, 409, 429 and everything from 500 up is retried.
    should_retry: bool | None = None
    # The balance, where this call has read the wallet.
    credits_remaining: int | None = None
    # Whether the call has a request record that names this error.
    is_recorded: bool = False

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s

    def details(self) -> dict[str, Any]:
        """Return the machine-readable half of the error; the human half is `message`."""
        return {} if self.error_code is None else {"error_code": self.error_code}

    def body(self, request_id: str) -> bytes:
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if details := self.details():
            error["details"] = details
        return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})

    def frame(self, request_id: str) -> bytes:
        """Return the same error as the last event of a stream that has begun."""
        return sse.encode("error", self.body(request_id))

    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        if self.retry_after_s is not None:
            headers["retry-after"] = str(self.retry_after_s)
        if self.should_retry is not None:
            headers["x-should-retry"] = "true" if self.should_retry else "false"
        if self.credits_remaining is not None:
            headers["caicaini-credits-remaining"] = str(self.credits_remaining)
        return headers


class InvalidRequest(GatewayError):
    """The request breaks the contract. `path` is the place, such as `messages.0.content`."""

    status = 400
    type = "invalid_request_error"
    error_code = "invalid_request"

    def __init__(self, reason: str, *, path: str = "") -> None:
        if (
            len(reason) > _MOST_REASON_CHARS
        ):  # it quotes names and ids of the request, of any length
            reason = f"{reason[:_MOST_REASON_CHARS]}…"
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path


class InvalidApiKey(GatewayError):
    """One text for unknown, malformed, revoked and expired keys: a stranger learns nothing.

    `key` is the key that was sent, if there is one, for the record of the call alone.
    """

    status = 401
    type = "authentication_error"
    error_code = "invalid_api_key"

    def __init__(self, key: CachedKey | None = None) -> None:
        super().__init__(
            "Invalid API key. Send a key that is not revoked or expired as "
            "`Authorization: Bearer cai_api_…` or `x-api-key`. Keys are made at /developers/keys."
        )
        self.key = key


class KeyRevoked(GatewayError):
    """The key was revoked, or its workspace removed, while the call ran."""

    status = 401
    type = "authentication_error"
    error_code = "api_key_revoked"

    def __init__(self) -> None:
        super().__init__(
            "This API key was revoked during the call. What was delivered by then is charged."
        )


class OutOfCredits(GatewayError):
    """The most this call may cost is more than the balance, whatever running calls hold of it."""

    status = 402
    type = "billing_error"
    error_code = "out_of_credits"
    should_retry = False

    def __init__(
        self,
        *,
        credits_required: int,
        credits_available: int,
        affordable_max_tokens: int | None = None,
    ) -> None:
        message = (
            f"Not enough apiCredits: this request may cost up to {credits_required} credits and "
            f"{credits_available} are available. "
        )
        if affordable_max_tokens:
            message += f"It fits with max_tokens of {affordable_max_tokens} or less. "
        super().__init__(message + "Top up at /developers/billing.")
        self.credits_required = credits_required
        self.credits_available = credits_available
        self.affordable_max_tokens = affordable_max_tokens

    def details(self) -> dict[str, Any]:
        details = super().details() | {
            "credits_required": self.credits_required,
            "credits_available": self.credits_available,
        }
        if self.affordable_max_tokens:
            details["affordable_max_tokens"] = self.affordable_max_tokens
        return details


class CreditsHeld(GatewayError):
    """The balance covers this call; what running calls hold of it leaves too little for now."""

    status = 429
    type = "rate_limit_error"
    error_code = "credits_held"

    def __init__(self, *, credits_required: int, credits_available: int, credits_held: int) -> None:
        super().__init__(
            f"Running calls hold {credits_held} apiCredits, which leaves {credits_available}. This "
            f"request may cost up to {credits_required}: try again when one of them has ended.",
            retry_after_s=2,
        )
        self._figures = {
            "credits_required": credits_required,
            "credits_available": credits_available,
            "credits_held": credits_held,
        }

    def details(self) -> dict[str, Any]:
        return super().details() | self._figures


class PermissionDenied(GatewayError):
    status = 403
    type = "permission_error"
    error_code = "permission_denied"


class ModelNotFound(GatewayError):
    """Also for a model that exists but cannot be called; clients match `model: <id>`."""

    status = 404
    type = "not_found_error"
    error_code = "model_not_found"

    def __init__(self, model: str) -> None:
        super().__init__(f"model: {model}")


class ThreadNotFound(GatewayError):
    """The caller sends only the new part of a conversation, as if we kept the rest. SDKs know the
    code and send the whole conversation instead."""

    status = 404
    type = "not_found_error"
    error_code = "thread_not_found"

    def __init__(self) -> None:
        super().__init__(
            "thread: no conversation is held between calls. Send all of its messages, with "
            "`system` and `tools`, and without `thread`."
        )


class RequestNotFound(GatewayError):
    """Also for the call of another workspace: a stranger learns nothing."""

    status = 404
    type = "not_found_error"
    error_code = "request_not_found"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"request: {request_id[:200]}")


class RouteNotFound(GatewayError):
    status = 404
    type = "not_found_error"
    error_code = "route_not_found"


class MethodNotAllowed(GatewayError):
    status = 405
    type = "invalid_request_error"
    error_code = "method_not_allowed"

    def __init__(self, method: str, *, allowed: str) -> None:
        super().__init__(f"{method} is not allowed here; use {allowed}.")
        self.allowed = allowed

    def headers(self) -> dict[str, str]:
        return super().headers() | {"allow": self.allowed}


class BodyTooLarge(GatewayError):
    status = 413
    type = "request_too_large"
    error_code = "request_too_large"

    def __init__(self, *, limit_bytes: int) -> None:
        super().__init__(f"Request exceeds the maximum size of {limit_bytes} bytes.")


class BusyUploading(GatewayError):
    """Large bodies of this key, this workspace or of all have the room of this process."""

    status = 429
    type = "rate_limit_error"
    error_code = "busy_uploading"

    def __init__(self) -> None:
        super().__init__(
            "Too many large requests are being uploaded, so this one's body was not read. "
            "Nothing was charged; try again in a moment.",
            retry_after_s=5,
        )


class RateLimited(GatewayError):
    """Without `retry_after_s` no wait would help, so clients must not retry."""

    status = 429
    type = "rate_limit_error"
    error_code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.should_retry = None if retry_after_s is not None else False


class GatewayOverloaded(GatewayError):
    """This process has as many calls as it can serve well; another one may have room."""

    status = 529
    type = "overloaded_error"
    error_code = "overloaded"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "Too many calls are running. Nothing was charged; try again in a moment.",
            retry_after_s=retry_after_s,
        )


class ShuttingDown(GatewayError):
    """This process ends before the call is over; the next one can serve it."""

    status = 529
    type = "overloaded_error"
    error_code = "shutting_down"

    def __init__(self) -> None:
        super().__init__(
            "The server was restarted during this call. Nothing was charged; try again.",
            retry_after_s=1,
        )


class InternalFailure(GatewayError):
    status = 500
    type = "api_error"
    error_code = "internal_failure"

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side. Try again.")


class LedgerUnavailable(GatewayError):
    """No hold could be written, so no upstream may be called: money fails closed."""

    status = 503
    type = "api_error"
    error_code = "ledger_unavailable"

    def __init__(self, *, retry_after_s: int = 1) -> None:
        super().__init__(
            "The credit ledger cannot be reached. Nothing was charged; try again shortly.",
            retry_after_s=retry_after_s,
        )


class UpstreamError(GatewayError):
    """The model's server broke off, timed out or refused. `original` are its own words, which only
    the operator reads."""

    original: str = ""

    # Whether the same request may be sent to another upstream of the model.
    may_fall_back: ClassVar[bool] = True
    # Whether the server works, and only what its model wrote cannot be used.
    is_models_fault: ClassVar[bool] = False
    most_attempts: ClassVar[int] = 3


class Refusal(Enum):
    """What a refusal is about, where its message lacks numbers that the call has, or where the call
    can be made otherwise."""

    OTHER = "other"
    PROMPT = "prompt"  # it is too long
    MAX_TOKENS = "max_tokens"  # it is above `limit`
    SYSTEM_TURNS = "system turns"  # after the first message
    THINKING = "thinking"  # of another provider, or changed
    MISSING_THINKING = "missing thinking"  # at the beginning of a tool loop
    THINKING_OFF = "thinking off"  # it cannot be switched off
    USER_AFTER_TOOLS = "user after tools"  # a user message directly after the results of tools
    NOT_STREAMED = "not streamed"  # it answers with a stream alone
    FIELD = "field"  # it does not know `field`, or none of its values but the usual one


class UpstreamRefused(UpstreamError):
    """The upstream rejects the request itself; another one would, too."""

    status = 400
    type = "invalid_request_error"
    error_code = "refused_by_model"
    may_fall_back = False

    def __init__(
        self,
        message: str,
        *,
        refusal: Refusal = Refusal.OTHER,
        limit: int | None = None,
        field: str = "",
    ) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.limit = limit
        self.field = field

    def completed(self, *, sent: int | None, limit: int | None, model: str) -> "UpstreamRefused":
        """The refusal with the numbers that clients act on, as far as they are known."""
        match self.refusal, sent, self.limit or limit:
            case Refusal.PROMPT, int(number), int(most):
                number = max(number, most + 1)
                self.message = f"prompt is too long: {number} tokens > {most} maximum"
            case Refusal.MAX_TOKENS, int(number), int(most) if number > most:
                self.message = (
                    f"max_tokens: {number} > {most}, which is the maximum allowed number of output "
                    f"tokens for {model}"
                )
            case _:
                return self
        self.refusal = Refusal.OTHER  # nothing is left to complete
        return self

    def of_size(self) -> "UpstreamRefused":
        """The same refusal of a request that the upstream finds too large."""
        self.status = BodyTooLarge.status
        self.type = BodyTooLarge.type
        return self


class UpstreamFailed(UpstreamError):
    """Broken connection, unreadable answer, an error page, our own credentials refused."""

    status = 500
    type = "api_error"
    error_code = "upstream_failed"

    def __init__(self) -> None:
        super().__init__("The model's server failed to answer. Nothing was charged; try again.")


class InvalidToolInput(UpstreamError):
    """The model called a tool with an input that is not JSON, or not an object."""

    status = 500
    type = "api_error"
    error_code = "invalid_tool_input"
    is_models_fault = True

    def __init__(self) -> None:
        super().__init__(
            "The model called a tool with an input that is not valid JSON. Nothing was charged; "
            "try again."
        )


class UpstreamEmpty(UpstreamError):
    """The upstream counted output and sent none."""

    status = 529
    type = "overloaded_error"
    error_code = "upstream_empty"
    is_models_fault = True
    most_attempts = 2

    def __init__(self) -> None:
        super().__init__("The model's server sent an empty answer. Nothing was charged; try again.")


class UpstreamReplyTooLarge(UpstreamError):
    """The answer is larger than anything that a model writes; a further attempt fetches as much."""

    status = 500
    type = "api_error"
    error_code = "upstream_reply_too_large"
    should_retry = False
    may_fall_back = False

    def __init__(self) -> None:
        super().__init__("The model's answer is too large to be passed on. Nothing was charged.")


class UpstreamMisconfigured(UpstreamError):
    """The upstream rejects our credentials, our account or our address: the operator's fault.

    Clients must not retry. Other upstreams may answer. `is_certain` is False for a status that a
    caller can also provoke, by naming a file that does not exist, for example.
    """

    status = 500
    type = "api_error"
    error_code = "upstream_misconfigured"
    should_retry = False

    def __init__(self, *, is_certain: bool = True) -> None:
        super().__init__(
            "The model's server rejects this gateway. The fault is ours, not your request's: "
            "nothing was charged, and the operator is informed."
        )
        self.is_certain = is_certain


class UpstreamUnavailable(UpstreamError):
    """No connection to the model's server, or none is tried for now after it has failed."""

    status = 529
    type = "overloaded_error"
    error_code = "upstream_unavailable"

    def __init__(self, *, retry_after_s: int, may_repeat: bool = False) -> None:
        super().__init__(
            "The model is unavailable at the moment. Nothing was charged; try again shortly.",
            retry_after_s=retry_after_s,
        )
        self.may_repeat = may_repeat  # at once, at the same upstream


class UpstreamTimeout(UpstreamError):
    status = 504
    type = "timeout_error"
    error_code = "upstream_timeout"

    def __init__(self) -> None:
        super().__init__(
            "The model took too long to answer. Try again, ask for less, or stream the answer."
        )


class UpstreamOverloaded(UpstreamError):
    status = 529
    type = "overloaded_error"
    error_code = "upstream_overloaded"

    def __init__(self, *, retry_after_s: int | None = None) -> None:
        super().__init__(
            "The model is overloaded. Try again in a moment.", retry_after_s=retry_after_s
        )
