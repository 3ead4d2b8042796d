"""Errors that the caller can mend: the request, its key, the credits, or the pace."""

from typing import Any

from gateway.errors.base import GatewayError
from keys.gateway_queries import CachedKey

_MOST_REASON_CHARS = 1_000  # reasons quote names and ids of the request, of any length


class InvalidRequest(GatewayError):
    """The request breaks the contract. `path` is the place, such as `messages.0.content`."""

    status = 400
    type = "invalid_request_error"
    error_code = "invalid_request"

    def __init__(self, reason: str, *, path: str = "") -> None:
        if len(reason) > _MOST_REASON_CHARS:
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
