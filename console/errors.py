"""What only a call from a page can meet, in the API's own shape.

GatewayError
├── SignedOut             401 authentication_error
└── UntrustedOrigin       403 permission_error
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
