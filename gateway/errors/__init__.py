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

from gateway.errors.base import GatewayError
from gateway.errors.caller import (
    BodyTooLarge,
    BusyUploading,
    CreditsHeld,
    InvalidApiKey,
    InvalidRequest,
    KeyRevoked,
    MethodNotAllowed,
    ModelNotFound,
    OutOfCredits,
    PermissionDenied,
    RateLimited,
    RequestNotFound,
    RouteNotFound,
    ThreadNotFound,
)
from gateway.errors.server import (
    GatewayOverloaded,
    InternalFailure,
    LedgerUnavailable,
    ShuttingDown,
)
from gateway.errors.tracebacks import forget_frames
from gateway.errors.upstream import (
    InvalidToolInput,
    Refusal,
    UpstreamEmpty,
    UpstreamError,
    UpstreamFailed,
    UpstreamMisconfigured,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamReplyTooLarge,
    UpstreamTimeout,
    UpstreamUnavailable,
)

__all__ = [
    "BodyTooLarge",
    "BusyUploading",
    "CreditsHeld",
    "GatewayError",
    "GatewayOverloaded",
    "InternalFailure",
    "InvalidApiKey",
    "InvalidRequest",
    "InvalidToolInput",
    "KeyRevoked",
    "LedgerUnavailable",
    "MethodNotAllowed",
    "ModelNotFound",
    "OutOfCredits",
    "PermissionDenied",
    "RateLimited",
    "Refusal",
    "RequestNotFound",
    "RouteNotFound",
    "ShuttingDown",
    "ThreadNotFound",
    "UpstreamEmpty",
    "UpstreamError",
    "UpstreamFailed",
    "UpstreamMisconfigured",
    "UpstreamOverloaded",
    "UpstreamRefused",
    "UpstreamReplyTooLarge",
    "UpstreamTimeout",
    "UpstreamUnavailable",
    "forget_frames",
]
