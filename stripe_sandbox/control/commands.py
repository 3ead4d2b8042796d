"""The bodies of control commands."""

from typing import Annotated, Literal

import msgspec

from stripe_sandbox.flows.disputes import Ending
from stripe_sandbox.flows.refunds import Final, Outcome

Cents = Annotated[int, msgspec.Meta(ge=1)]


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Pay(Command, frozen=True):
    """`instrument`: a test card's number or token, `bank_succeeds` or `bank_fails`."""

    instrument: str = "4242424242424242"
    email: str | None = None
    name: str | None = None


class Answer(Command, frozen=True):
    """The answer to a 3-D Secure challenge, or a bank's answer to a debit."""

    succeed: bool = True


class Refund(Command, frozen=True):
    """`payment`: a charge, payment intent or Checkout Session."""

    payment: str
    amount: Cents | None = None
    outcome: Outcome | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None


class FinishRefund(Command, frozen=True):
    status: Final


class OpenDispute(Command, frozen=True):
    payment: str
    amount: Cents | None = None
    reason: str | None = None
    inquiry: bool = False


class CloseDispute(Command, frozen=True):
    ending: Ending


class Release(Command, frozen=True):
    """In the order of `order` (event ids; the others stay held), shuffled, or as they were held."""

    shuffle_seed: int | None = None
    order: tuple[str, ...] = ()


class Redeliver(Command, frozen=True):
    copies: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class SetClock(Command, frozen=True):
    """Seconds ahead of real time; negative: in the past."""

    offset_s: int


class Empty(Command, frozen=True):
    pass
