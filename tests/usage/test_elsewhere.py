"""What the same tokens would have cost on models that could have served the call."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from catalogue.pricing import Price, TokenCounts
from tests.support.request_records import record_of
from usage.elsewhere import Alternative, PricedOffer, alternatives
from usage.records import Record, RecordLine

PRICE = Price(1, 100_000, 450_000, 125_000, 10_000, 200_000)


def offer(model: str, price: Price = PRICE, **fields: Any) -> PricedOffer:
    usual: dict[str, Any] = {
        "context_tokens": 8_192,
        "max_output_tokens": 2_048,
        "capabilities": frozenset(),
    }
    return PricedOffer(model=model, price=price, **usual | fields)


def call_of(**fields: Any) -> Record:
    own = {
        "id": UUID(int=1),
        "workspace_id": 1,
        "accepted_at": datetime(2026, 6, 15, tzinfo=UTC),
        "price_id": 1,
        "resolved_model": "taken",
        "credits": 12,
        "lines": (RecordLine("input", "taken", 1, 14, 100_000),),
    }
    return record_of(**own | fields)


def models_of(found: list[Alternative]) -> list[str]:
    return [one.model for one in found if not one.is_this_call]


def test_they_are_sorted_by_price_with_this_call_among_them() -> None:
    dear, cheap = Price(2, 10**6, 10**6, 0, 0, 0), Price(3, 1_000, 1_000, 0, 0, 0)

    found = alternatives(call_of(), [offer("taken"), offer("dear", dear), offer("cheap", cheap)])

    assert [(one.model, one.credits, one.difference) for one in found] == [
        ("cheap", 1, -11),
        ("taken", 12, 0),
        ("dear", 37, 25),
    ]


def test_models_that_lack_something_are_left_out() -> None:
    call = call_of(route='taken; needs="tools"', input_tokens=5_000, output_tokens=1_000)
    able = frozenset({"tools"})
    offers = [
        offer("unable"),
        offer("able", capabilities=able),
        offer("short", capabilities=able, context_tokens=4_999),
        offer("terse", capabilities=able, max_output_tokens=999),
    ]

    assert models_of(alternatives(call, offers)) == ["able"]


def test_models_are_left_out_for_what_the_route_says() -> None:
    call = call_of(route='taken; dropped="a: dearer, b: context length, c: failed, d: images"')

    found = alternatives(call, [offer(name) for name in "abcd"])

    assert sorted(models_of(found)) == ["a", "c"]
    assert {one.note for one in found if one.model == "a"} == {"Can do it, and may cost more"}


def test_without_the_cache_the_input_costs_its_full_price() -> None:
    call = call_of(input_tokens=0, cache_read_input_tokens=1_000_000, output_tokens=0)

    [without] = [one for one in alternatives(call, [offer("taken")]) if one.is_without_cache]

    assert without.credits == 100_000


def test_a_call_without_lines_has_none() -> None:
    assert alternatives(call_of(lines=None), [offer("other")]) == []


@given(st.tuples(*[st.integers(0, 2_000)] * 5), st.tuples(*[st.integers(0, 10**7)] * 5))
def test_each_costs_what_the_router_would_charge(
    tokens: tuple[int, int, int, int, int], prices: tuple[int, int, int, int, int]
) -> None:
    read, written, cache_write, cache_read, an_hour = tokens
    call = call_of(
        input_tokens=read,
        output_tokens=written,
        cache_creation_input_tokens=cache_write + an_hour,
        cache_creation_1h_input_tokens=an_hour,
        cache_read_input_tokens=cache_read,
    )
    price = Price(9, *prices)

    [other] = [one for one in alternatives(call, [offer("other", price)]) if not one.is_this_call]

    assert other.credits == price.cost(TokenCounts(*tokens))
    assert other.difference == other.credits - call.credits
