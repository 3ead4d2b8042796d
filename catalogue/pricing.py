"""The cost of tokens and of a provider's tools: exact integer arithmetic, rounded up once."""

from typing import NamedTuple

TOKENS_PER_PRICE_UNIT = 1_000_000
# Uses are priced by the thousand, and counted at the same unit as tokens.
_USES_PER_PRICE_UNIT = 1_000
_UNITS_PER_USE = TOKENS_PER_PRICE_UNIT // _USES_PER_PRICE_UNIT


class TokenCounts(NamedTuple):
    """The token classes of a call, disjoint; `cache_write_1h` is written to be kept for an hour."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0
    cache_write_1h: int = 0


class ToolUses(NamedTuple):
    """How often a call uses each of the tools that its provider runs and charges for."""

    web_search: int = 0
    web_fetch: int = 0
    code_execution: int = 0


class ToolPrices(NamedTuple):
    """Credits per 1,000 uses; a tool without a price costs the caller nothing but tokens."""

    web_search: int | None = None
    web_fetch: int | None = None
    code_execution: int | None = None


TOOLS = ToolUses._fields
NO_USES = ToolUses()
_NO_TOOLS = ToolPrices()


class Price(NamedTuple):
    """A model's price row, in credits per million tokens of each class.

    Without `has_hour`, a cache that is kept for an hour costs what any other does, and none is
    asked for.
    """

    id: int
    input: int
    output: int
    cache_write: int
    cache_read: int
    cache_write_1h: int
    has_hour: bool = False
    per_1k_uses: ToolPrices = _NO_TOOLS

    @property
    def per_token(self) -> TokenCounts:
        """The price of each class of tokens, in credits per million."""
        return TokenCounts(*self[1:6])

    def lines(self, tokens: TokenCounts, uses: ToolUses = NO_USES) -> list[tuple[str, int, int]]:
        """Return class, units and price per million of each class that occurs: `cost` is their
        exact sum, rounded up once.

        2 searches at 1,000 credits per 1,000 are ("web_search", 2, 1,000,000).
        """
        classes = zip(TokenCounts._fields, tokens, self.per_token, strict=True)
        lines = [line for line in classes if line[1]]
        if uses is NO_USES:  # nearly always
            return lines
        tools = zip(TOOLS, uses, self.per_1k_uses, strict=True)
        return lines + [
            (name, number, price * _UNITS_PER_USE)
            for name, number, price in tools
            if number and price is not None
        ]

    def cost(self, tokens: TokenCounts, uses: ToolUses = NO_USES) -> int:
        """Return the credits that `tokens` and `uses` cost.

        14 input and 23 output tokens at 100,000 and 450,000: 1,400,000 + 10,350,000 millionths of
        a credit, 11.75 credits, so 12.
        """
        return rounded_up(self.millionths(tokens, uses))

    def millionths(self, tokens: TokenCounts, uses: ToolUses = NO_USES) -> int:
        """Return what `tokens` and `uses` cost in millionths of a credit, which is exact."""
        sum_of_tokens = (
            tokens.input * self.input
            + tokens.output * self.output
            + tokens.cache_write * self.cache_write
            + tokens.cache_read * self.cache_read
            + tokens.cache_write_1h * self.cache_write_1h
        )
        return sum_of_tokens if uses is NO_USES else sum_of_tokens + self._of_uses(uses)

    def bound(self, *, input_tokens: int, output_tokens: int, uses: ToolUses = NO_USES) -> int:
        """Return the most that a call of this size can cost, however its input is cached."""
        dearest_input = max(self.input, self.cache_write, self.cache_read, self.cache_write_1h)
        millionths = input_tokens * dearest_input + output_tokens * self.output
        return rounded_up(millionths if uses is NO_USES else millionths + self._of_uses(uses))

    def _of_uses(self, uses: ToolUses) -> int:
        priced = zip(uses, self.per_1k_uses, strict=True)
        return sum(number * (price or 0) * _UNITS_PER_USE for number, price in priced)


def credits_per_1k(price: int) -> int:
    """Return a line's price per million units as credits per 1,000 uses."""
    return price // _UNITS_PER_USE


def rounded_up(millionths: int) -> int:
    """Return the whole credits that cover millionths of a credit."""
    return -(-millionths // TOKENS_PER_PRICE_UNIT)
