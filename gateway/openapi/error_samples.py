"""Every error of the API: when it comes, and real ones as samples.

A class of `gateway.errors` that is not among FAILURES fails a test.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings

from gateway import errors
from gateway.errors import GatewayError
from gateway.limits.rate_limiter import LimitState, RateLimitState, TooManyRequests

_RESET = datetime(2026, 11, 22, 9, 31, tzinfo=UTC)
_USED_UP = RateLimitState(LimitState(600, 600, _RESET), LimitState(2_000_000, 81_250, _RESET))


class Failure(NamedTuple):
    """One kind of error; `samples` show every form that its headers and details take."""

    kind: type[GatewayError]
    when: str
    samples: tuple[GatewayError, ...]

    @property
    def name(self) -> str:
        """Its name among the schemas and examples."""
        return self.kind.__name__


FAILURES = (
    Failure(
        errors.InvalidRequest,
        "The request breaks a rule. The message begins with the place, such as "
        "`messages.2.content.0.source.data`.",
        (errors.InvalidRequest("Field required", path="max_tokens"),),
    ),
    Failure(
        errors.InvalidApiKey,
        "There is no key, or none that is in force.",
        (errors.InvalidApiKey(),),
    ),
    Failure(
        errors.OutOfCredits,
        "The most that this call may cost does not fit into what is available.",
        (
            errors.OutOfCredits(
                credits_required=1043, credits_available=900, affordable_max_tokens=1682
            ),
            errors.OutOfCredits(credits_required=188, credits_available=3),
        ),
    ),
    Failure(
        errors.PermissionDenied,
        "The key may not call this model, or the workspace's credits are being checked.",
        (errors.PermissionDenied("This API key may not call caicaini/large."),),
    ),
    Failure(
        errors.ModelNotFound,
        "There is no such model.",
        (errors.ModelNotFound("caicaini/swfit"),),
    ),
    Failure(
        errors.ThreadNotFound,
        "The request wants to go on with a conversation that is held here; none is.",
        (errors.ThreadNotFound(),),
    ),
    Failure(
        errors.RouteNotFound,
        "There is nothing at this address; the message lists what there is.",
        (errors.RouteNotFound("There is nothing at POST /v1/completions."),),
    ),
    Failure(
        errors.MethodNotAllowed,
        "The address does not have this method.",
        (errors.MethodNotAllowed("GET", allowed="POST"),),
    ),
    Failure(
        errors.BodyTooLarge,
        "The body is too large.",
        (errors.BodyTooLarge(limit_bytes=settings.MAX_BODY_BYTES),),
    ),
    Failure(
        errors.RateLimited,
        "The workspace, or this key, asks for more at once than it may. Without `retry-after`, "
        "waiting does not help.",
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
    Failure(
        errors.InternalFailure,
        "A fault of ours. Nothing was charged.",
        (errors.InternalFailure(),),
    ),
    Failure(
        errors.LedgerUnavailable,
        "The books cannot be written, so nothing is called. Nothing was charged.",
        (errors.LedgerUnavailable(),),
    ),
    Failure(
        errors.GatewayOverloaded,
        "Too many calls are running. Nothing was charged.",
        (errors.GatewayOverloaded(retry_after_s=1),),
    ),
    Failure(
        errors.ShuttingDown,
        "The server was restarted during the call. Nothing was charged.",
        (errors.ShuttingDown(),),
    ),
    Failure(
        errors.UpstreamRefused,
        "The model does not take the request. Nothing was charged.",
        (errors.UpstreamRefused("prompt is too long: 9120 tokens > 8192 maximum"),),
    ),
    Failure(
        errors.UpstreamFailed,
        "The model's server failed. Nothing was charged.",
        (errors.UpstreamFailed(),),
    ),
    Failure(
        errors.UpstreamTimeout,
        "The model took too long. Nothing was charged.",
        (errors.UpstreamTimeout(),),
    ),
    Failure(
        errors.UpstreamOverloaded,
        "The model is overloaded. Nothing was charged.",
        (errors.UpstreamOverloaded(retry_after_s=30), errors.UpstreamOverloaded()),
    ),
)
