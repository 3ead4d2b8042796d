"""Errors of this gateway itself: a fault, or no room for a further call."""

from gateway.errors.base import GatewayError


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
