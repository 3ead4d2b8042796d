"""Token counts become credits: an exact sum, rounded up once."""

from fractions import Fraction
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from caicaini_portal.settings import BASE_DIR
from catalogue import file
from catalogue.pricing import Price, TokenCounts

counts = st.integers(min_value=0, max_value=10**9)
prices = st.integers(min_value=0, max_value=10**12)
all_prices = st.tuples(*[prices] * 5)
all_counts = st.tuples(*[counts] * 5)


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
