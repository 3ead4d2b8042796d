"""What the gateway asks of the ledger, and what it hears back."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from usage.records import Record


class Hold(msgspec.Struct, frozen=True, tag="reserve", tag_field="kind"):
    """Hold `amount` credits for the call `id`. `key_id` is None for the console."""

    id: UUID
    workspace_id: int
    key_id: int | None
    source: str
    amount: int
    accepted_at: datetime


class Settle(msgspec.Struct, frozen=True):
    """End the hold of `record.id`: charge `actual` credits, or void it with None.

    `record` is written in the same transaction; its `credits` and `lost_credits` are filled in
    there, from what was really charged. `held` is the hold's amount, above which nothing is
    charged: it says what the call costs while the ledger cannot be asked.
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
        """Whose wallet pays."""
        return self.record.workspace_id

    def planned(self) -> "SettleResult":
        """What comes of it unless the hold is gone."""
        charged = min(self.actual or 0, self.held)
        return SettleResult(charged, self.record.lost_credits + (self.actual or 0) - charged)


class Void(msgspec.Struct, frozen=True, tag="release", tag_field="kind"):
    """Void the hold `id` if it was made and is open; for calls that never began."""

    id: UUID
    workspace_id: int


Operation = Hold | Settle | Void


class HoldDecision(StrEnum):
    """What became of a Reserve."""

    ADMITTED = "admitted"
    NO_WALLET = "no_wallet"
    FROZEN = "frozen"
    KEY_UNUSABLE = "key_unusable"
    OUT_OF_CREDITS = "out_of_credits"


class HoldResult(NamedTuple):
    """The answer to a Reserve; `available` is what could be held when it was decided."""

    verdict: HoldDecision
    available: int


class SettleResult(NamedTuple):
    """The answer to a Close: what left the balance, and what did not but should have."""

    charged: int
    lost: int


Outcome = HoldResult | SettleResult
