"""What a row of the tables of faults is made of: who is asked how, and what must come of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tests.support import replies
from tests.support.scripted_upstream import Play
from usage.models import Ending

SAID = "Hello there"
# What nobody should read of an upstream: its name for the model, and where it is.
SECRETS = "It is a-name-for-insiders at 10.0.0.7"


@dataclass(frozen=True)
class PqChannel:
    """A wire format, with a proper answer in it. `begun` frames of a stream hold the first word."""

    model: str
    path: str
    begun: int
    whole: Callable[..., bytes]
    frames: Callable[..., list[bytes]]
    word: Callable[[str], bytes]
    in_band: Callable[[Any], bytes]

    @property
    def beginning(self) -> list[bytes]:
        """The frames up to the first word."""
        return self.frames(SAID)[: self.begun]

    @property
    def rest(self) -> list[bytes]:
        """The frames after it."""
        return self.frames(SAID)[self.begun :]


MESSAGES = PqChannel(
    model="scripted/messages",
    path="/v1/messages",
    begun=3,
    whole=replies.message,
    frames=replies.events,
    word=replies.text_event,
    in_band=lambda error: replies.event("error", error=error),
)
CHAT = PqChannel(
    model="scripted/chat",
    path="/v1/chat/completions",
    begun=2,
    whole=replies.completion,
    frames=replies.chunks,
    word=lambda text: replies.chunk({"content": text}),
    in_band=lambda error: replies.data_event({"error": error}),
)


class Way(NamedTuple):
    """How a caller asks, and in which format their request goes on."""

    wire: PqChannel
    stream: bool


PLAIN = (Way(MESSAGES, False), Way(CHAT, False))
STREAMED = (Way(MESSAGES, True), Way(CHAT, True))
EVERY_WAY = PLAIN + STREAMED
MESSAGES_ONLY = (PLAIN[0], STREAMED[0])
MESSAGES_STREAMED = STREAMED[:1]
CHAT_STREAMED = STREAMED[1:]


@dataclass(frozen=True)
class Outcome:
    """What the caller hears and pays, and how the record says that it ended.

    `error` is empty for an answer. A charge of None is by our own count, flagged in the record.
    """

    status: int
    error: str
    charge: int | None
    ending: Ending
    text: str = SAID
    retry_after: str | None = None

    @property
    def breaks_off(self) -> bool:
        """Whether the error comes as the last event of a stream."""
        return self.ending == Ending.BROKE_OFF

    @property
    def is_late(self) -> bool:
        """Whether the upstream took too long."""
        return self.error == "timeout_error"

    def asking_to_wait(self, seconds: str) -> "Outcome":
        """The same with `retry-after`."""
        return replace(self, retry_after=seconds)

    def saying(self, text: str) -> "Outcome":
        """The same with another answer."""
        return replace(self, text=text)


# Before anything was delivered: an error by its status, and nothing to pay.
FAILED = Outcome(500, "api_error", 0, Ending.FAILED)
TIMEOUT = Outcome(504, "timeout_error", 0, Ending.FAILED)
OVERLOADED = Outcome(529, "overloaded_error", 0, Ending.FAILED)
REFUSED = Outcome(400, "invalid_request_error", 0, Ending.FAILED)
# After that: an `error` event as the last, and nothing to pay.
BROKE_OFF = Outcome(200, "api_error", 0, Ending.BROKE_OFF)
STALLED = Outcome(200, "timeout_error", 0, Ending.BROKE_OFF)
WENT_UNDER = Outcome(200, "overloaded_error", 0, Ending.BROKE_OFF)
WAS_REFUSED = Outcome(200, "invalid_request_error", 0, Ending.BROKE_OFF)
# No fault that the caller would notice: 14 tokens in and 23 out, or what we count.
ANSWERED = Outcome(200, "", 14 + 2 * 23, Ending.COMPLETED)
COUNTED_BY_US = Outcome(200, "", None, Ending.COMPLETED)


class Fault(NamedTuple):
    """One row: what the upstream does, what must come of it, and for whom."""

    name: str
    play: Callable[[PqChannel], Play]
    outcome: Outcome
    ways: tuple[Way, ...] = EVERY_WAY
    model: str = ""  # instead of the wire's


def whatever(play: Play) -> Callable[[PqChannel], Play]:
    """The same play in every format."""
    return lambda wire: play
