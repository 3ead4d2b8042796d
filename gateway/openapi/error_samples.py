"""Every error of the API, with its cause and samples.

A test fails for a class of `gateway.errors` that is not in DOCUMENTED_ERRORS.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings

from gateway import errors
from gateway.errors import GatewayError
from gateway.limits.rate_limiter import LimitState, RateLimitState, TooManyRequests

_RESET = datetime(2026, 11, 22, 9, 31, tzinfo=UTC)
_USED_UP = RateLimitState(LimitState(600, 600, _RESET), LimitState(2_000_000, 81_250, _RESET))


class DocumentedError(NamedTuple):
    """One kind of error; `samples` cover every combination of its headers and details."""

    kind: type[GatewayError]
    when: str
    samples: tuple[GatewayError, ...]

    @property
    def name(self) -> str:
        """Its name in the schemas and examples."""
        return self.kind.__name__


DOCUMENTED_ERRORS = (
    DocumentedError(
        errors.InvalidRequest,
        "The request breaks a rule. The message begins with the place, such as "
        "`messages.2.content`.",
        (errors.InvalidRequest("Field required", path="max_tokens"),),
    ),
    DocumentedError(
        errors.InvalidApiKey,
        "The API key is missing or invalid.",
        (errors.InvalidApiKey(),),
    ),
    DocumentedError(
        errors.KeyRevoked,
        "The API key was revoked during the call. What was delivered by then is charged.",
        (errors.KeyRevoked(),),
    ),
    DocumentedError(
        errors.OutOfCredits,
        "The maximum cost of this call exceeds the balance.",
        (
            errors.OutOfCredits(
                credits_required=1043, credits_available=900, affordable_max_tokens=1682
            ),
            errors.OutOfCredits(credits_required=188, credits_available=3),
        ),
    ),
    DocumentedError(
        errors.CreditsHeld,
        "The balance covers this call, but running calls hold too much of it.",
        (errors.CreditsHeld(credits_required=1043, credits_available=900, credits_held=4100),),
    ),
    DocumentedError(
        errors.PermissionDenied,
        "The key may not call this model, or the workspace's credits are being checked.",
        (errors.PermissionDenied("This API key may not call caicaini/large."),),
    ),
    DocumentedError(
        errors.ModelNotFound,
        "There is no such model.",
        (errors.ModelNotFound("caicaini/swfit"),),
    ),
    DocumentedError(
        errors.ThreadNotFound,
        "The request continues a stored conversation; this API stores none.",
        (errors.ThreadNotFound(),),
    ),
    DocumentedError(
        errors.RequestNotFound,
        "The workspace has no such call, or not any more.",
        (errors.RequestNotFound("req_0193511f8a2c7d10b6a4f0c2e9d85b31"),),
    ),
    DocumentedError(
        errors.RouteNotFound,
        "There is no such address; the message lists the existing ones.",
        (errors.RouteNotFound("There is nothing at POST /v1/completions."),),
    ),
    DocumentedError(
        errors.MethodNotAllowed,
        "The address does not accept this method.",
        (errors.MethodNotAllowed("GET", allowed="POST"),),
    ),
    DocumentedError(
        errors.BodyTooLarge,
        "The body is too large.",
        (errors.BodyTooLarge(limit_bytes=settings.MAX_BODY_BYTES),),
    ),
    DocumentedError(
        errors.BusyUploading,
        "Large requests of this key, its workspace or of all take the room there is.",
        (errors.BusyUploading(),),
    ),
    DocumentedError(
        errors.RateLimited,
        "The workspace or this key exceeds a limit. Without `retry-after`, waiting does not help.",
        (
            TooManyRequests(
                "This workspace's limit of 600 requests a minute is used up. Try again in 12 s.",
                retry_after_s=12,
                rate_limits=_USED_UP,
            ),
            TooManyRequests(
                "This workspace's limit of 2000000 input tokens a minute is less than this "
                "request alone.",
                retry_after_s=None,
                rate_limits=_USED_UP,
            ),
            errors.RateLimited(
                "This API key has 500 calls running; wait for one to end.", retry_after_s=1
            ),
        ),
    ),
    DocumentedError(
        errors.InternalFailure,
        "An error in this API. Nothing was charged.",
        (errors.InternalFailure(),),
    ),
    DocumentedError(
        errors.LedgerUnavailable,
        "The ledger is unavailable, so no model is called. Nothing was charged.",
        (errors.LedgerUnavailable(),),
    ),
    DocumentedError(
        errors.GatewayOverloaded,
        "Too many calls are running. Nothing was charged.",
        (errors.GatewayOverloaded(retry_after_s=1),),
    ),
    DocumentedError(
        errors.ShuttingDown,
        "The server was restarted during the call. Nothing was charged.",
        (errors.ShuttingDown(),),
    ),
    DocumentedError(
        errors.UpstreamRefused,
        "The model does not accept the request. Nothing was charged.",
        (errors.UpstreamRefused("prompt is too long: 9120 tokens > 8192 maximum"),),
    ),
    DocumentedError(
        errors.UpstreamFailed,
        "The model's server failed. Nothing was charged.",
        (errors.UpstreamFailed(),),
    ),
    DocumentedError(
        errors.InvalidToolInput,
        "The model called a tool with an input that is not valid JSON. Nothing was charged.",
        (errors.InvalidToolInput(),),
    ),
    DocumentedError(
        errors.UpstreamEmpty,
        "The model's server sent an empty answer, twice. Nothing was charged.",
        (errors.UpstreamEmpty(),),
    ),
    DocumentedError(
        errors.UpstreamReplyTooLarge,
        "The model's answer is larger than this API passes on. Nothing was charged.",
        (errors.UpstreamReplyTooLarge(),),
    ),
    DocumentedError(
        errors.UpstreamMisconfigured,
        "The model's server rejects this API: the operator's fault. Nothing was charged.",
        (errors.UpstreamMisconfigured(),),
    ),
    DocumentedError(
        errors.UpstreamUnavailable,
        "The model's server cannot be reached. Nothing was charged.",
        (errors.UpstreamUnavailable(retry_after_s=5),),
    ),
    DocumentedError(
        errors.UpstreamTimeout,
        "The model took too long. Nothing was charged.",
        (errors.UpstreamTimeout(),),
    ),
    DocumentedError(
        errors.UpstreamOverloaded,
        "The model is overloaded. Nothing was charged.",
        (errors.UpstreamOverloaded(retry_after_s=30), errors.UpstreamOverloaded()),
    ),
)
