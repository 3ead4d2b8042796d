"""The cost of tokens: exact integer arithmetic, rounded up once."""

from typing import NamedTuple

TOKENS_PER_PRICE_UNIT = 1_000_000


class TokenCounts(NamedTuple):
    """The token classes of a call, disjoint; `cache_write_1h` is written to be kept for an hour."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0
    cache_write_1h: int = 0


class Price(NamedTuple):
    """A model's price row, in credits per million tokens of each class."""

    id: int
    input: int
    output: int
    cache_write: int
    cache_read: int
    cache_write_1h: int

    def lines(self, tokens: TokenCounts) -> list[tuple[str, int, int]]:
        """Return class, tokens and price of each class that occurs: `cost` is their exact sum,
        rounded up once."""
        classes = zip(TokenCounts._fields, tokens, self[1:], strict=True)
        return [line for line in classes if line[1]]

    def cost(self, tokens: TokenCounts) -> int:
        """Return the credits that `tokens` cost.

        14 input and 23 output tokens at 100,000 and 450,000: 1,400,000 + 10,350,000 millionths of
        a credit, 11.75 credits, so 12.
        """
        return rounded_up(self.millionths(tokens))

    def millionths(self, tokens: TokenCounts) -> int:
        """Return what `tokens` cost in millionths of a credit, which is exact."""
        return (
            tokens.input * self.input
            + tokens.output * self.output
            + tokens.cache_write * self.cache_write
            + tokens.cache_read * self.cache_read
            + tokens.cache_write_1h * self.cache_write_1h
        )

    def bound(self, *, input_tokens: int, output_tokens: int) -> int:
        """Return the most that a call of this size can cost, however its input is cached."""
        dearest_input = max(self.input, self.cache_write, self.cache_read, self.cache_write_1h)
        millionths = input_tokens * dearest_input + output_tokens * self.output
        return rounded_up(millionths)


def rounded_up(millionths: int) -> int:
    """Return the whole credits that cover millionths of a credit."""
    return -(-millionths // TOKENS_PER_PRICE_UNIT)
