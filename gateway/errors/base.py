"""What all errors have: status, type, code, headers and body."""

from typing import Any

import msgspec

from gateway import sse


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
