"""Request records as the gateway writes them, in the transaction that ends their holds."""

from datetime import datetime
from uuid import UUID

import msgspec


class RecordLine(msgspec.Struct, frozen=True):
    """One class of tokens, or of uses of a tool, that a call is charged for, at `price` credits per
    million units.

    A call's charge is the exact sum of `units * price / 1e6` over its lines, rounded up once.
    """

    token_class: str = msgspec.field(name="class")
    model: str
    price_id: int
    units: int
    price: int


class RecordAttempt(msgspec.Struct, frozen=True):
    """One request to an upstream; `started_ms` counts from the moment the call was accepted.

    `status` is None when no response arrived.
    """

    upstream_id: int
    model: str
    started_ms: int
    duration_ms: int
    status: int | None
    error: str


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call; the fields are RequestRecord's. Durations are milliseconds.

    `credits`, `lost_credits` and `balance_after` are filled in by PostgreSQL. A new field needs a
    default, since journals of the version before are still decoded, and a new version of the SQL
    function (gateway/metering/sql/), which reads the fields by name.
    """

    id: UUID
    workspace_id: int
    accepted_at: datetime
    key_id: int | None
    source: str
    requested_model: str
    resolved_model: str
    upstream_id: int | None
    price_id: int | None
    route: str
    is_stream: bool
    status: int
    error_type: str
    ending: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    is_usage_estimated: bool
    credits: int
    lost_credits: int
    first_byte_ms: int | None
    duration_ms: int
    lines: tuple[RecordLine, ...] | None = None
    cache_creation_1h_input_tokens: int | None = None
    hold_amount: int | None = None
    balance_after: int | None = None
    attempts: tuple[RecordAttempt, ...] | None = None
    tags: tuple[str, ...] | None = None
    session_id: str | None = None
    user_label: str | None = None
    member_id: int | None = None
    queue_ms: int | None = None
    hold_ms: int | None = None
    error_code: str | None = None
    refusals: int | None = None
    error_message: str | None = None

    @property
    def all_input_tokens(self) -> int:
        """All input, cached or not: the three classes are disjoint."""
        return self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens

    @property
    def tokens_per_second(self) -> float | None:
        """The speed after the first byte; of a plain answer, over the whole call."""
        writing_ms = self.duration_ms
        if self.is_stream and self.first_byte_ms is not None:
            writing_ms -= self.first_byte_ms
        if writing_ms <= 0 or not self.output_tokens:
            return None
        return round(1000 * self.output_tokens / writing_ms, 1)

    @property
    def all_tokens(self) -> int:
        """All tokens, read and written."""
        return self.all_input_tokens + self.output_tokens
