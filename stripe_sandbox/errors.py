"""Stripe's errors, one class each.

StripeError
├── InvalidRequest         400 invalid_request_error
│   ├── UnknownVersion     400, an API version that is not the pinned one
│   ├── ResourceMissing    404 resource_missing
│   ├── UnknownAddress     404, no such endpoint
│   ├── Unauthenticated    401, a wrong key or none
│   └── RateLimited        429 rate_limit
├── IdempotencyMismatch    400 idempotency_error: the key was used for something else
├── KeyInUse               409 idempotency_error: the first request is still running
├── CardError              402 card_error
└── ServerFault            500 api_error
"""

from typing import Any, ClassVar


class StripeError(Exception):
    """Carries the fields of Stripe's error body."""

    status: ClassVar[int] = 400
    type: ClassVar[str] = "invalid_request_error"
    default_code: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.more = more or {}

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code:
            error["code"] = self.code
            slug = self.code.replace("_", "-")
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{slug}"
        if self.param:
            error["param"] = self.param
        return {"error": {**error, **self.more}}


class InvalidRequest(StripeError):
    pass


class UnknownVersion(InvalidRequest):
    pass


class ResourceMissing(InvalidRequest):
    status = 404
    default_code = "resource_missing"


class UnknownAddress(InvalidRequest):
    status = 404


class Unauthenticated(InvalidRequest):
    status = 401


class RateLimited(InvalidRequest):
    status = 429
    default_code = "rate_limit"


class IdempotencyMismatch(StripeError):
    type = "idempotency_error"


class KeyInUse(StripeError):
    status = 409
    type = "idempotency_error"
    default_code = "idempotency_key_in_use"


class CardError(StripeError):
    status = 402
    type = "card_error"


class ServerFault(StripeError):
    status = 500
    type = "api_error"
