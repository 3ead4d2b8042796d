"""Errors have the documented status, type, code, headers and body."""

import json

import pytest

from gateway import errors
from gateway.errors import GatewayError

OURS = [
    (errors.InvalidRequest("Field required", path="model"), 400, "invalid_request_error"),
    (errors.InvalidApiKey(), 401, "authentication_error"),
    (errors.KeyRevoked(), 401, "authentication_error"),
    (errors.OutOfCredits(credits_required=9, credits_available=4), 402, "billing_error"),
    (
        errors.CreditsHeld(credits_required=9, credits_available=4, credits_held=8),
        429,
        "rate_limit_error",
    ),
    (errors.PermissionDenied("no"), 403, "permission_error"),
    (errors.ModelNotFound("m"), 404, "not_found_error"),
    (errors.ThreadNotFound(), 404, "not_found_error"),
    (errors.RequestNotFound("req_1"), 404, "not_found_error"),
    (errors.RouteNotFound("no"), 404, "not_found_error"),
    (errors.MethodNotAllowed("PUT", allowed="POST"), 405, "invalid_request_error"),
    (errors.BodyTooLarge(limit_bytes=5), 413, "request_too_large"),
    (errors.BusyUploading(), 429, "rate_limit_error"),
    (errors.RateLimited("slow down", retry_after_s=3), 429, "rate_limit_error"),
    (errors.GatewayOverloaded(retry_after_s=1), 529, "overloaded_error"),
    (errors.ShuttingDown(), 529, "overloaded_error"),
    (errors.InternalFailure(), 500, "api_error"),
    (errors.LedgerUnavailable(), 503, "api_error"),
    (errors.UpstreamRefused("no"), 400, "invalid_request_error"),
    (errors.UpstreamFailed(), 500, "api_error"),
    (errors.InvalidToolInput(), 500, "api_error"),
    (errors.UpstreamEmpty(), 529, "overloaded_error"),
    (errors.UpstreamReplyTooLarge(), 500, "api_error"),
    (errors.UpstreamMisconfigured(), 500, "api_error"),
    (errors.UpstreamUnavailable(retry_after_s=5), 529, "overloaded_error"),
    (errors.UpstreamTimeout(), 504, "timeout_error"),
    (errors.UpstreamOverloaded(retry_after_s=2), 529, "overloaded_error"),
]


@pytest.mark.parametrize(("error", "status", "kind"), OURS, ids=lambda value: str(value)[:30])
def test_each_error_has_its_status_type_and_code(error: GatewayError, status: int, kind: str):
    assert error.status == status
    body = json.loads(error.body("req_1"))
    assert set(body) == {"type", "error", "request_id"}
    assert (body["type"], body["request_id"]) == ("error", "req_1")
    assert body["error"]["type"] == kind
    assert body["error"]["message"] == error.message
    assert body["error"]["details"]["error_code"] == error.error_code
    assert error.frame("req_1") == b"event: error\ndata: " + error.body("req_1") + b"\n\n"


def subclasses(parent: type[GatewayError]) -> set[type[GatewayError]]:
    """The subclasses in `errors`; those of other modules look the same to callers."""
    named = parent.__subclasses__()
    children = {child for child in named if child.__module__.startswith(f"{errors.__name__}.")}
    return children.union(*map(subclasses, children))


def test_the_docstring_draws_every_error():
    drawn = errors.__doc__ or ""
    for error in subclasses(GatewayError):
        assert f"── {error.__name__} " in drawn, error
    listed = {type(error) for error, _, _ in OURS}
    assert listed | {errors.UpstreamError} == subclasses(GatewayError)


def test_no_two_errors_share_a_code():
    codes = [error.error_code for error, _, _ in OURS]
    assert len(set(codes)) == len(codes)


def test_headers_steer_the_retries_of_clients():
    assert errors.RateLimited("x", retry_after_s=3).headers() == {"retry-after": "3"}
    assert errors.RateLimited("x").headers() == {"x-should-retry": "false"}
    out = errors.OutOfCredits(credits_required=9, credits_available=4)
    assert out.headers() == {"x-should-retry": "false"}
    assert errors.MethodNotAllowed("PUT", allowed="GET, POST").headers() == {"allow": "GET, POST"}
    assert errors.InternalFailure().headers() == {}


def test_out_of_credits_says_what_is_missing_and_what_would_fit():
    bare = errors.OutOfCredits(credits_required=900, credits_available=40)
    assert "900 credits" in bare.message
    assert "40 are available" in bare.message
    assert "max_tokens" not in bare.message
    fitting = errors.OutOfCredits(
        credits_required=900, credits_available=40, affordable_max_tokens=77
    )
    assert "max_tokens of 77 or less" in fitting.message
    assert fitting.details() == {
        "error_code": "out_of_credits",
        "credits_required": 900,
        "credits_available": 40,
        "affordable_max_tokens": 77,
    }


def test_an_unknown_model_has_the_message_clients_match():
    assert errors.ModelNotFound("gpt-9").message == "model: gpt-9"
