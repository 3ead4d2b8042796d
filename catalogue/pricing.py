"""The cost of tokens: exact integer arithmetic, rounded up once."""

from collections.abc import Iterable
from typing import NamedTuple

TOKENS_PER_PRICE_UNIT = 1_000_000


class TokenCounts(NamedTuple):
    """The four token classes of a call, as the Messages API counts them: disjoint."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0


class Line(NamedTuple):
    """Tokens of one class at one price, in credits per million."""

    token_class: str
    units: int
    price: int


class Price(NamedTuple):
    """A model's price row, in credits per million tokens of each class."""

    id: int
    input: int
    output: int
    cache_write: int
    cache_read: int

    def lines(self, tokens: TokenCounts) -> tuple[Line, ...]:
        """Return a line for each class that occurs."""
        return tuple(
            Line(name, units, price)
            for name, units, price in zip(TokenCounts._fields, tokens, self[1:], strict=True)
            if units
        )

    def cost(self, tokens: TokenCounts) -> int:
        """Return the credits that `tokens` cost.

        14 input and 23 output tokens at 100,000 and 450,000: 1,400,000 + 10,350,000 millionths of
        a credit, 11.75 credits, so 12.
        """
        return total(self.lines(tokens))

    def bound(self, *, input_tokens: int, output_tokens: int) -> int:
        """Return the most that a call of this size can cost, however its input is cached."""
        dearest_input = max(self.input, self.cache_write, self.cache_read)
        millionths = input_tokens * dearest_input + output_tokens * self.output
        return _rounded_up(millionths)


def total(lines: Iterable[Line]) -> int:
    """Return the credits of all lines: their exact sum, rounded up once."""
    return _rounded_up(sum(line.units * line.price for line in lines))


def _rounded_up(millionths: int) -> int:
    return -(-millionths // TOKENS_PER_PRICE_UNIT)
