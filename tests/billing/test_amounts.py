"""Amounts of dollars are read as people type them, and in no other way."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.amounts import NotAnAmount, cents_of


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("20", 2_000),
        ("$20", 2_000),
        ("$ 20", 2_000),
        (" 20 ", 2_000),
        ("12.5", 1_250),
        ("12.50", 1_250),
        ("12.", 1_200),
        ("1,000", 100_000),
        ("$1,234,567.89", 123_456_789),
        ("1 000", 100_000),
        ("1\N{NO-BREAK SPACE}000.00", 100_000),
        ("007", 700),
        ("0", 0),
    ],
)
def test_amounts_as_people_type_them(typed: str, cents: int) -> None:
    assert cents_of(typed) == cents


@pytest.mark.parametrize(
    "typed",
    [
        *("", "$", ".", ".5", "-20", "+20", "1e2", "1E2", "1_000", "0x10", "NaN", "Infinity"),
        *(
            "12,50",
            "1,00",
            "1 2",
            "1 2 345",
            "10,00,000",
            ",100",
            "1,0000",
            "1,234,567,890",
            "9999999999",
        ),
        *("12.345", "1.2.3", "20$", "20 dollars", "twenty", "€20", "½"),
        *("\N{ARABIC-INDIC DIGIT TWO}0", "\N{FULLWIDTH DIGIT TWO}0", "\N{SUPERSCRIPT TWO}"),
        "\N{MINUS SIGN}5",
    ],
)
def test_what_could_be_meant_otherwise_is_no_amount(typed: str) -> None:
    with pytest.raises(NotAnAmount):
        cents_of(typed)


@given(st.integers(min_value=0, max_value=99_999_999_999))
def test_every_amount_is_read_as_it_is_written(cents: int) -> None:
    dollars, rest = divmod(cents, 100)

    assert cents_of(f"{dollars}.{rest:02}") == cents
    if dollars < 1_000_000_000:
        assert cents_of(f"${dollars:,}.{rest:02}") == cents


@given(st.text(max_size=12))
def test_no_text_breaks_the_reading(typed: str) -> None:
    with contextlib.suppress(NotAnAmount):
        assert cents_of(typed) >= 0
