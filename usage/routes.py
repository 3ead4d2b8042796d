"""The route in a request record, read again: which model answered, and why no other one.

    caicaini/atlas; needs="thinking tools"; dropped="caicaini/coder: not healthy"

gateway/upstreams/router.py writes it. A long one ends where the column does.
"""

import re
from typing import NamedTuple

_ROUTE = re.compile(
    r'(?P<model>.*?)(?:; needs="(?P<needs>[^"]*)")?(?:; dropped="(?P<dropped>.*?)"?)?', re.DOTALL
)
# These models could have answered, but for the moment.
COULD_ANSWER = {
    "not healthy": "Its server was failing at that moment",
    "dearer": "Can do it, and may cost more",
    "failed": "Asked first, and failed",
    "too near the balance": "Can do it; the balance was too near to hold credits for it",
}
_COULD_NOT = {
    "context length": "The request is too long for it",
    "no price": "Had no price",
    "no upstream": "Had no server",
    "not allowed for this key": "This key may not call it",
    "format": "Its server cannot take this request",
}


class Dropped(NamedTuple):
    """A model that did not answer, with the reason as the gateway gave it."""

    model: str
    reason: str

    @property
    def could_answer(self) -> bool:
        """Whether only the moment, or the price, spoke against it."""
        return self.reason in COULD_ANSWER

    @property
    def words(self) -> str:
        """The reason for a person; what is in no list names needs."""
        known = COULD_ANSWER.get(self.reason) or _COULD_NOT.get(self.reason)
        return known or f"Takes no {self.reason.replace(' and ', ' and no ')}"


class TakenRoute(NamedTuple):
    """What the request needed, and the models that were dropped."""

    needs: frozenset[str]
    dropped: tuple[Dropped, ...]

    @property
    def needs_in_words(self) -> str:
        """The needs, for a sentence: images, tools and thinking."""
        *most, last = sorted(need.replace("_", " ") for need in self.needs) or [""]
        return f"{', '.join(most)} and {last}" if most else last

    def reason_against(self, model: str) -> Dropped | None:
        """Return why this model did not answer; None if it was never considered."""
        return next((one for one in self.dropped if one.model == model), None)


def parse(text: str) -> TakenRoute:
    """Read a record's route."""
    match = _ROUTE.fullmatch(text)
    assert match is not None, "everything in it is optional"
    reasons = (match["dropped"] or "").split(", ")
    if not text.endswith('"'):
        reasons.pop()  # cut off
    pairs = (reason.rpartition(": ") for reason in reasons)
    return TakenRoute(
        needs=frozenset((match["needs"] or "").split()),
        dropped=tuple(Dropped(model, why) for model, _, why in pairs if model),
    )
