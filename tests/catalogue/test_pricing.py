"""Token counts become credits: an exact sum, rounded up once."""

from fractions import Fraction
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from caicaini_portal.settings import BASE_DIR
from catalogue import file
from catalogue.pricing import Price, TokenCounts, ToolPrices, ToolUses

counts = st.integers(min_value=0, max_value=10**9)
prices = st.integers(min_value=0, max_value=10**12)
all_prices = st.tuples(*[prices] * 5)
all_counts = st.tuples(*[counts] * 5)
tool_prices = st.tuples(*[st.none() | st.integers(min_value=0, max_value=10**9)] * 3)
tool_uses = st.tuples(*[st.integers(min_value=0, max_value=10**6)] * 3)


def test_the_published_example_costs_12_credits_at_the_shipped_prices():
    [row] = file.read(BASE_DIR / "catalogue.toml").models[0].prices
    price = Price(1, row.input, row.output, row.cache_write, row.cache_read, row.cache_write)

    assert price.cost(TokenCounts(input=14, output=23)) == 12


@given(all_prices, all_counts)
def test_the_cost_is_the_exact_sum_rounded_up_once(rates, tokens):
    exact = sum(Fraction(rate * count, 10**6) for rate, count in zip(rates, tokens, strict=True))

    price = Price(
        1,
        input=rates[0],
        output=rates[1],
        cache_write=rates[2],
        cache_read=rates[3],
        cache_write_1h=rates[4],
    )

    assert price.cost(TokenCounts(*tokens)) == ceil(exact)


@given(all_prices, all_counts)
def test_no_split_of_the_input_costs_more_than_the_bound(rates, tokens):
    price = Price(1, *rates)
    used = TokenCounts(*tokens)

    bound = price.bound(
        input_tokens=used.input + used.cache_write + used.cache_read + used.cache_write_1h,
        output_tokens=used.output,
    )

    assert price.cost(used) <= bound


@given(all_prices, all_counts, tool_prices, tool_uses)
def test_uses_of_tools_cost_a_thousandth_of_their_price_each(rates, tokens, per_1k, numbers):
    price = Price(1, *rates)._replace(per_1k_uses=ToolPrices(*per_1k))
    used, uses = TokenCounts(*tokens), ToolUses(*numbers)

    cost = price.cost(used, uses)

    of_tools = sum(
        Fraction(number * (credits or 0), 1000)
        for number, credits in zip(numbers, per_1k, strict=True)
    )
    assert cost == ceil(Fraction(price.millionths(used), 10**6) + of_tools)
    lines = price.lines(used, uses)
    assert cost == ceil(Fraction(sum(units * price for _, units, price in lines), 10**6))
    unpriced = {
        name for name, credits in zip(ToolUses._fields, per_1k, strict=True) if credits is None
    }
    assert not unpriced & {name for name, _, _ in lines}


@given(all_prices, all_counts, tool_prices, tool_uses)
def test_no_call_within_its_uses_costs_more_than_the_bound(rates, tokens, per_1k, numbers):
    price = Price(1, *rates)._replace(per_1k_uses=ToolPrices(*per_1k))
    used, most = TokenCounts(*tokens), ToolUses(*numbers)
    fewer = ToolUses(*(number // 2 for number in numbers))

    bound = price.bound(input_tokens=sum(used) - used.output, output_tokens=used.output, uses=most)

    assert price.cost(used, fewer) <= price.cost(used, most) <= bound
