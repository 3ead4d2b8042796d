"""The operations that the gateway sends to the ledger, and their results."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from usage.records import Record


class Hold(msgspec.Struct, frozen=True, omit_defaults=True, tag="hold", tag_field="kind"):
    """Hold `amount` credits for the call `id`. `key_id` is None for the console.

    `secret_id` and `member_id` are sent and not stored yet. PostgreSQL rejects a hold with `limits`
    or a `parent_id` as long as it enforces neither.
    """

    id: UUID
    workspace_id: int
    key_id: int | None
    source: str
    amount: int
    accepted_at: datetime
    secret_id: int | None = None
    member_id: int | None = None
    limits: tuple[object, ...] = ()
    parent_id: UUID | None = None


class Settle(msgspec.Struct, frozen=True):
    """End the hold of `record.id`: charge `actual` credits, or void it with None.

    `record` is written in the same transaction, where its `credits`, `lost_credits` and
    `balance_after` are filled in. `held` is the hold's amount, the most that is charged: it gives
    the expected result while PostgreSQL is unavailable.
    """

    record: Record
    actual: int | None
    held: int

    @property
    def id(self) -> UUID:
        """The hold's id, which is the request's."""
        return self.record.id

    @property
    def workspace_id(self) -> int:
        """The workspace whose wallet is charged."""
        return self.record.workspace_id

    def expected_result(self) -> "SettleResult":
        """Return the result that PostgreSQL will give if the hold is still open."""
        charged = min(self.actual or 0, self.held)
        return SettleResult(charged, self.record.lost_credits + (self.actual or 0) - charged)


class Void(msgspec.Struct, frozen=True, tag="void", tag_field="kind"):
    """Void the hold `id` if it was made and is open; for calls that never began."""

    id: UUID
    workspace_id: int


Operation = Hold | Settle | Void


class HoldDecision(StrEnum):
    """Whether a hold was made, and if not, why."""

    ADMITTED = "admitted"
    NO_WALLET = "no_wallet"
    FROZEN = "frozen"
    KEY_UNUSABLE = "key_unusable"
    OUT_OF_CREDITS = "out_of_credits"
    LIMIT_REACHED = "limit_reached"


class ReachedLimit(msgspec.Struct, frozen=True):
    """The limit that refused a hold, as it stood when it did."""

    kind: str
    id: int
    limit: int
    spent: int
    held: int
    resets_at: datetime | None


class HoldResult(NamedTuple):
    """The result of a Hold; `posted` and `held` are the wallet's after it, 0 without a wallet."""

    decision: HoldDecision
    posted: int
    held: int
    limit: ReachedLimit | None = None

    @property
    def available(self) -> int:
        """Credits that can be held now; for a refused hold, when it was decided."""
        return self.posted - self.held


class SettleResult(NamedTuple):
    """The result of a Settle or a Void: what was charged, and the cost that was not (`lost`).

    `posted` and `held` are the wallet's after it, `balance_after` is that of the call's own ledger
    entry, None where nothing was charged. All three are None while PostgreSQL is unavailable.
    """

    charged: int
    lost: int
    posted: int | None = None
    held: int | None = None
    balance_after: int | None = None


Outcome = HoldResult | SettleResult
