"""One call, as everything that works on it sees it."""

import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from billing.models import Source
from gateway.formats.protocol import EncodedRequest
from gateway.limits.rate_limiter import RateLimitState
from gateway.request import values
from gateway.request.parse import MessagesRequest
from gateway.upstreams.client import AttemptLimits
from gateway.upstreams.router import Candidate, Route
from usage.records import Record, RecordAttempt


class CallerGone(Exception):
    """The caller has disconnected: nobody reads the answer."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the caller attributes a call to; recorded, never interpreted.

    Raises InvalidRequest for text that PostgreSQL cannot hold: found out at the settlement, the
    answer would be free.
    """

    tags: tuple[str, ...] = ()
    session_id: str | None = None
    user_label: str | None = None

    def __post_init__(self) -> None:
        for place, tag in enumerate(self.tags):
            values.recordable(tag, f"tags.{place}")
        for name in ("session_id", "user_label"):
            if (label := getattr(self, name)) is not None:
                values.recordable(label, name)


class Caller(NamedTuple):
    """Who pays, and what they may call. The console has neither a key nor a secret."""

    workspace_id: int
    source: Source
    key_id: int | None = None
    secret_id: int | None = None
    member_id: int | None = None
    allowed_models: tuple[str, ...] = ()
    labels: Labels = Labels()

    @property
    def concurrency_key(self) -> Hashable:
        """What the limit of concurrent calls counts by: the key, or the workspace without one."""
        return self.key_id if self.key_id is not None else ("workspace", self.workspace_id)

    @property
    def holder(self) -> str:
        """What that limit counts by, in words."""
        return "API key" if self.key_id is not None else "workspace"


class Head(NamedTuple):
    """What a sink learns before the answer: its id, the route taken, the state of the limits, the
    credits that are held, the fields of the request that were dropped."""

    request_id: str
    route: str
    rate_limits: RateLimitState
    credits_held: int
    dropped: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Call:
    """A checked request in progress. `route` and `candidate` are set once it is admitted,
    `record` once its hold is settled."""

    id: UUID
    caller: Caller
    request: MessagesRequest
    beta: str | None = None
    version: str | None = None
    accepted_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    queue_ms: int | None = None  # until credits were asked for
    hold_ms: int | None = None  # until they were held
    first_byte_ms: int | None = None
    held: int = 0
    is_settled: bool = False
    is_cut_by_shutdown: bool = False
    is_cut_by_revocation: bool = False
    attempts: list[RecordAttempt] = field(default_factory=list)
    upstream_status: int | None = None  # of the attempt in progress
    attempt_limits: AttemptLimits | None = None
    rate_limits: RateLimitState = field(init=False)
    route: Route = field(init=False)
    candidate: Candidate = field(init=False)
    record: Record = field(init=False)
    # The request for a candidate's upstream: encoded before credits are held, sent after that.
    encoded: tuple[Candidate, EncodedRequest] | None = None

    @property
    def request_id(self) -> str:
        """The id that headers, errors and pages show."""
        return f"req_{self.id.hex}"

    @property
    def message_id(self) -> str:
        """The id of the answer."""
        return f"msg_{self.id.hex}"

    def head(self) -> Head:
        """Return what precedes the answer; it names the candidate that is answering now."""
        route = self.route.explained(self.candidate)
        if self.encoded is None:
            return Head(self.request_id, route, self.rate_limits, self.held)
        request = self.encoded[1]
        if request.thinking:
            route = f'{route}; thinking="{request.thinking}"'
        return Head(self.request_id, route, self.rate_limits, self.held, request.dropped)

    def elapsed_ms(self) -> int:
        """Milliseconds since the call was accepted."""
        return int((time.monotonic() - self.began) * 1000)

    def note_first_byte(self) -> None:
        """Record when the upstream's first byte arrived; later bytes change nothing."""
        if self.first_byte_ms is None:
            self.first_byte_ms = self.elapsed_ms()
