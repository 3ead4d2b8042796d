"""Errors that only calls from pages get, in the API's own shape.

GatewayError
├── SignedOut             401 authentication_error
├── UntrustedOrigin       403 permission_error
├── OtherWorkspace        403 permission_error   the page is of another member or workspace
├── DemoBudgetSpent       429 rate_limit_error   today's credits for visitors are spent
├── TooManyDemoRuns       429 rate_limit_error   from one address
├── DemoBusy              429 rate_limit_error   too many visitors at once
└── DemoClosed            503 api_error          the visitors cannot be counted
"""

from gateway.errors import GatewayError


class SignedOut(GatewayError):
    """There is no session, or it has ended, or its person was deactivated."""

    status = 401
    type = "authentication_error"
    error_code = "signed_out"
    should_retry = False

    def __init__(self) -> None:
        super().__init__("You are signed out. Sign in again.")


class UntrustedOrigin(GatewayError):
    """The request does not prove that a page of ours sent it."""

    status = 403
    type = "permission_error"
    error_code = "untrusted_origin"
    should_retry = False

    def __init__(self) -> None:
        super().__init__("This request did not come from an open page of ours. Reload the page.")


class OtherWorkspace(GatewayError):
    """The session is of another person or workspace than the page that sent the request."""

    status = 403
    type = "permission_error"
    error_code = "other_workspace"
    should_retry = False

    def __init__(self) -> None:
        super().__init__("This page is of another workspace or person. Reload it to go on.")


class DemoBudgetSpent(GatewayError):
    """The demo wallet cannot pay for this run; it is filled at 00:00 UTC."""

    status = 429
    type = "rate_limit_error"
    error_code = "demo_budget_spent"
    should_retry = False

    def __init__(self) -> None:
        super().__init__("Today's demo credits are spent. They are back at 00:00 UTC.")


class TooManyDemoRuns(GatewayError):
    """An address has used up its runs of this hour."""

    status = 429
    type = "rate_limit_error"
    error_code = "demo_rate_limited"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "That is enough for one address this hour. With an account you can go on.",
            retry_after_s=retry_after_s,
        )


class DemoBusy(GatewayError):
    """The limit of concurrent runs by visitors is reached."""

    status = 429
    type = "rate_limit_error"
    error_code = "demo_busy"

    def __init__(self) -> None:
        super().__init__(
            "Many visitors are running the demo. Try again in a moment.", retry_after_s=2
        )


class DemoClosed(GatewayError):
    """Redis is unavailable, and an uncounted demo would have no limits."""

    status = 503
    type = "api_error"
    error_code = "demo_closed"

    def __init__(self) -> None:
        super().__init__("The demo is closed for the moment. Try again later.", retry_after_s=30)
