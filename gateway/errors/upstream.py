"""Errors of the model's server, and how each may be retried."""

from enum import Enum
from typing import ClassVar

from gateway.errors.base import GatewayError
from gateway.errors.caller import BodyTooLarge


class UpstreamError(GatewayError):
    """The model's server broke off, timed out or refused. `original` are its own words, which only
    the operator reads."""

    original: str = ""

    # Whether the same request may be sent to another upstream of the model.
    may_fall_back: ClassVar[bool] = True
    # Whether the server works, and only what its model wrote cannot be used.
    is_models_fault: ClassVar[bool] = False
    most_attempts: ClassVar[int] = 3


class Refusal(Enum):
    """What a refusal is about, where its message lacks numbers that the call has, or where the call
    can be made otherwise."""

    OTHER = "other"
    PROMPT = "prompt"  # it is too long
    MAX_TOKENS = "max_tokens"  # it is above `limit`
    SYSTEM_TURNS = "system turns"  # after the first message
    THINKING = "thinking"  # of another provider, or changed
    MISSING_THINKING = "missing thinking"  # at the beginning of a tool loop, or on its calls
    FORCED_CALL = "forced call"  # of a tool, while the model thinks
    THINKING_OFF = "thinking off"  # it cannot be switched off
    USER_AFTER_TOOLS = "user after tools"  # a user message directly after the results of tools
    NOT_STREAMED = "not streamed"  # it answers with a stream alone
    FIELD = "field"  # it does not know `field`, or none of its values but the usual one


class UpstreamRefused(UpstreamError):
    """The upstream rejects the request itself; another one would, too."""

    status = 400
    type = "invalid_request_error"
    error_code = "refused_by_model"
    may_fall_back = False

    def __init__(
        self,
        message: str,
        *,
        refusal: Refusal = Refusal.OTHER,
        limit: int | None = None,
        field: str = "",
    ) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.limit = limit
        self.field = field

    def completed(self, *, sent: int | None, limit: int | None, model: str) -> "UpstreamRefused":
        """The refusal with the numbers that clients act on, as far as they are known."""
        match self.refusal, sent, self.limit or limit:
            case Refusal.PROMPT, int(number), int(most):
                number = max(number, most + 1)
                self.message = f"prompt is too long: {number} tokens > {most} maximum"
            case Refusal.MAX_TOKENS, int(number), int(most) if number > most:
                self.message = (
                    f"max_tokens: {number} > {most}, which is the maximum allowed number of output "
                    f"tokens for {model}"
                )
            case _:
                return self
        self.refusal = Refusal.OTHER  # nothing is left to complete
        return self

    def of_size(self) -> "UpstreamRefused":
        """The same refusal of a request that the upstream finds too large."""
        self.status = BodyTooLarge.status
        self.type = BodyTooLarge.type
        return self


class UpstreamFailed(UpstreamError):
    """A broken connection, an unreadable answer, or an error of the upstream itself."""

    status = 500
    type = "api_error"
    error_code = "upstream_failed"

    def __init__(self) -> None:
        super().__init__("The model's server failed to answer. Nothing was charged; try again.")


class InvalidToolInput(UpstreamError):
    """The model called a tool with an input that is not JSON, or not an object."""

    status = 500
    type = "api_error"
    error_code = "invalid_tool_input"
    is_models_fault = True

    def __init__(self) -> None:
        super().__init__(
            "The model called a tool with an input that is not valid JSON. Nothing was charged; "
            "try again."
        )


class UpstreamEmpty(UpstreamError):
    """The upstream counted output and sent none."""

    status = 529
    type = "overloaded_error"
    error_code = "upstream_empty"
    is_models_fault = True
    most_attempts = 2

    def __init__(self) -> None:
        super().__init__("The model's server sent an empty answer. Nothing was charged; try again.")


class UpstreamReplyTooLarge(UpstreamError):
    """The answer is larger than anything that a model writes; a further attempt fetches as much."""

    status = 500
    type = "api_error"
    error_code = "upstream_reply_too_large"
    should_retry = False
    may_fall_back = False

    def __init__(self) -> None:
        super().__init__("The model's answer is too large to be passed on. Nothing was charged.")


class UpstreamMisconfigured(UpstreamError):
    """The upstream rejects our credentials, our account or our address: the operator's fault.

    Clients must not retry. Other upstreams may answer. `is_certain` is False for a status that a
    caller can also provoke, by naming a file that does not exist, for example.
    """

    status = 500
    type = "api_error"
    error_code = "upstream_misconfigured"
    should_retry = False

    def __init__(self, *, is_certain: bool = True) -> None:
        super().__init__(
            "The model's server rejects this gateway. The fault is ours, not your request's: "
            "nothing was charged, and the operator is informed."
        )
        self.is_certain = is_certain


class UpstreamUnavailable(UpstreamError):
    """No connection to the model's server, or none is tried for now after it has failed."""

    status = 529
    type = "overloaded_error"
    error_code = "upstream_unavailable"

    def __init__(self, *, retry_after_s: int, may_repeat: bool = False) -> None:
        super().__init__(
            "The model is unavailable at the moment. Nothing was charged; try again shortly.",
            retry_after_s=retry_after_s,
        )
        self.may_repeat = may_repeat  # at once, at the same upstream


class UpstreamTimeout(UpstreamError):
    status = 504
    type = "timeout_error"
    error_code = "upstream_timeout"

    def __init__(self) -> None:
        super().__init__(
            "The model took too long to answer. Try again, ask for less, or stream the answer."
        )


class UpstreamOverloaded(UpstreamError):
    status = 529
    type = "overloaded_error"
    error_code = "upstream_overloaded"

    def __init__(self, *, retry_after_s: int | None = None) -> None:
        super().__init__(
            "The model is overloaded. Try again in a moment.", retry_after_s=retry_after_s
        )
