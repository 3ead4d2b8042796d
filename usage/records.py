"""Request records as the gateway writes them, in the transaction that ends their holds."""

from datetime import datetime
from uuid import UUID

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted call; the fields are RequestRecord's. Durations are milliseconds.

    gateway_apply takes them by name: another one needs a new version of it, in a migration, as
    tests/gateway/metering/test_gateway_apply.py says.
    """

    id: UUID
    workspace_id: int
    accepted_at: datetime
    key_id: int | None
    source: str
    requested_model: str
    resolved_model: str
    upstream_id: int | None
    price_id: int
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
