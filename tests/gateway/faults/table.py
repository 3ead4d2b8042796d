"""Rows of the fault tables: what the upstream does, how it is called, the required outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tests.support import replies
from tests.support.scripted_upstream import Play
from usage.models import Ending

ANSWER_TEXT = "Hello there"
# An upstream's name for the model and its address, which no caller may receive.
SECRETS = "It is a-name-for-insiders at 10.0.0.7"


@dataclass(frozen=True)
class WireFormat:
    """A wire format with a valid answer. The first word is in the last of `first_frames` frames."""

    model: str
    long_model: str
    priced_model: str
    path: str
    first_frames: int
    answer: Callable[..., bytes]
    frames: Callable[..., list[bytes]]
    word: Callable[[str], bytes]
    in_band: Callable[[Any], bytes]

    @property
    def beginning(self) -> list[bytes]:
        """The frames up to and including the first word."""
        return self.frames(ANSWER_TEXT)[: self.first_frames]

    @property
    def rest(self) -> list[bytes]:
        """The frames after it."""
        return self.frames(ANSWER_TEXT)[self.first_frames :]


MESSAGES = WireFormat(
    model="scripted/messages",
    long_model="scripted/long",
    priced_model="scripted/priced",
    path="/v1/messages",
    first_frames=3,
    answer=replies.message,
    frames=replies.events,
    word=replies.text_event,
    in_band=lambda error: replies.event("error", error=error),
)
CHAT = WireFormat(
    model="scripted/chat",
    long_model="scripted/long-chat",
    priced_model="scripted/priced-chat",
    path="/v1/chat/completions",
    first_frames=2,
    answer=replies.completion,
    frames=replies.chunks,
    word=lambda text: replies.chunk({"content": text}),
    in_band=lambda error: replies.data_event({"error": error}),
)


class Way(NamedTuple):
    """How a call is made, and the wire format of the upstream that receives it."""

    wire: WireFormat
    stream: bool


PLAIN = (Way(MESSAGES, False), Way(CHAT, False))
STREAMED = (Way(MESSAGES, True), Way(CHAT, True))
EVERY_WAY = PLAIN + STREAMED
MESSAGES_ONLY = (PLAIN[0], STREAMED[0])
MESSAGES_STREAMED = STREAMED[:1]
CHAT_STREAMED = STREAMED[1:]
MESSAGES_PLAIN = PLAIN[:1]
CHAT_PLAIN = PLAIN[1:]
CHAT_ONLY = (PLAIN[1], STREAMED[1])


@dataclass(frozen=True)
class Outcome:
    """The response, the charge, and the ending in the request record.

    `error` is empty for an answer. A charge of None is an estimate, flagged in the record.
    """

    status: int
    error: str
    charge: int | None
    ending: Ending
    text: str = ANSWER_TEXT
    content: tuple[dict[str, Any], ...] = ()  # where it is not one block of text
    stop_reason: str = ""  # where it matters
    message: str = ""  # of the error, where it matters
    output: int = 3  # what we count where no report does: as many tokens as the text is long
    is_estimated: bool = False  # though the charge is known
    retry_after: str | None = None

    @property
    def breaks_off(self) -> bool:
        """Whether the error comes as the last event of a stream."""
        return self.ending == Ending.BROKE_OFF

    @property
    def is_late(self) -> bool:
        """Whether the upstream took too long."""
        return self.error == "timeout_error"

    def with_retry_after(self, seconds: str) -> "Outcome":
        """The same with `retry-after`."""
        return replace(self, retry_after=seconds)

    def with_content(self, *blocks: dict[str, Any], stop_reason: str = "") -> "Outcome":
        """The same with another answer; of each block only the members given here matter."""
        return replace(self, content=blocks, stop_reason=stop_reason)

    def saying(self, message: str) -> "Outcome":
        """The same with these words."""
        return replace(self, message=message)

    def charging(self, credits: int) -> "Outcome":
        """The same at another charge."""
        return replace(self, charge=credits)

    def counting(self, output: int, *, input_tokens: int = 14) -> "Outcome":
        """The same, with the input as it was reported and the output as we count it."""
        charge = input_tokens + 2 * output
        return replace(self, output=output, charge=charge, is_estimated=True)

    def with_text(self, text: str) -> "Outcome":
        """The same with another answer."""
        return replace(self, text=text)


# Before anything was delivered: an error status and no charge.
FAILED = Outcome(500, "api_error", 0, Ending.FAILED)
EMPTY = OVERLOADED = Outcome(529, "overloaded_error", 0, Ending.FAILED)
TIMEOUT = Outcome(504, "timeout_error", 0, Ending.FAILED)
UNAVAILABLE = OVERLOADED.with_retry_after("5")
TOO_LARGE = Outcome(413, "request_too_large", 0, Ending.FAILED)
REFUSED = Outcome(400, "invalid_request_error", 0, Ending.FAILED)
# Afterwards: a final `error` event and no charge.
BROKE_OFF = Outcome(200, "api_error", 0, Ending.BROKE_OFF)
BROKE_OFF_TIMEOUT = Outcome(200, "timeout_error", 0, Ending.BROKE_OFF)
BROKE_OFF_OVERLOADED = Outcome(200, "overloaded_error", 0, Ending.BROKE_OFF)
BROKE_OFF_REFUSED = Outcome(200, "invalid_request_error", 0, Ending.BROKE_OFF)
# Faults that the caller does not notice: 14 tokens in and 23 out, or an estimate.
ANSWERED = Outcome(200, "", 14 + 2 * 23, Ending.COMPLETED)
COUNTED_BY_US = Outcome(200, "", None, Ending.COMPLETED)


class Fault(NamedTuple):
    """One row: what the upstream does, the required outcome, and the ways of calling."""

    name: str
    play: Callable[[WireFormat], Play]
    outcome: Outcome
    ways: tuple[Way, ...] = EVERY_WAY
    model: str = ""  # replaces that of the wire format
    is_long: bool = False  # an answer of megabytes, from the models that may give one
    has_deadline: bool = False  # the outcome comes from a deadline, whatever its error says
    is_priced: bool = False  # at a price of its own for each class of tokens
    teaches: bool = False  # a habit, for which later calls of the workspace are made otherwise
    needs_retry: bool = False  # answered at the second attempt, which a workspace may have used up
    fields: Mapping[str, Any] = {}  # of the request, beside its prompt
    turns: Callable[[str], list[dict[str, Any]]] | None = None  # of a conversation with the prompt

    def asked(self, prompt: str) -> dict[str, Any]:
        """The fields of the request, with its messages if they are more than the prompt."""
        messages = {} if self.turns is None else {"messages": self.turns(prompt)}
        return {**self.fields, **messages}


def in_every_format(play: Play) -> Callable[[WireFormat], Play]:
    """The same play in every format."""
    return lambda wire: play
