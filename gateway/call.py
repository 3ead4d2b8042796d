"""One call, as everything that works on it sees it."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from billing.models import Source
from gateway.formats.protocol import EncodedRequest
from gateway.request.parse import MessagesRequest
from gateway.upstreams.router import Candidate, Route


class CallerGone(Exception):
    """The caller's connection is closed: there is nobody left to answer."""


class Caller(NamedTuple):
    """Who pays, and what they may call. `key_id` is None for the console."""

    workspace_id: int
    key_id: int | None
    source: Source
    allowed_models: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Call:
    """A checked request on its way. `route` and `candidate` are there once it is admitted."""

    id: UUID
    caller: Caller
    request: MessagesRequest
    beta: str | None = None
    accepted_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    first_byte_ms: int | None = None
    held: int = 0
    is_closed: bool = False
    is_cut_by_shutdown: bool = False
    route: Route = field(init=False)
    candidate: Candidate = field(init=False)
    # What goes to a candidate's upstream: made before credits are held, used after that.
    encoded: tuple[Candidate, EncodedRequest] | None = None

    @property
    def request_id(self) -> str:
        """The id that headers, errors and pages show."""
        return f"req_{self.id.hex}"

    @property
    def message_id(self) -> str:
        """The id of the answer."""
        return f"msg_{self.id.hex}"

    def elapsed_ms(self) -> int:
        """Milliseconds since the call was accepted."""
        return round((time.monotonic() - self.began) * 1000)

    def note_first_byte(self) -> None:
        """Remember when the upstream's first byte came; later bytes change nothing."""
        if self.first_byte_ms is None:
            self.first_byte_ms = self.elapsed_ms()
