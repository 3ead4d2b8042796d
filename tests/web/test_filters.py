"""Filters of a page: values of its address, and the fields that change them."""

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from web import filter_values
from web.filter_form import Choice, FilterForm, Kept, Link, Links, More, Note, Search, Text, Time

COLOURS = [("r", "red"), ("g", "green")]


def drawn(*fields: Choice | Kept | Links | More | Note | Search | Text | Time) -> str:
    form = FilterForm("own", "/some/page", "part", fields)
    return render_to_string("filters/form.html", {"form": form})


@given(st.dictionaries(st.sampled_from("abc"), st.text(max_size=12)))
def test_readable_values_come_back_from_an_address(values: dict[str, str]) -> None:
    readable = {name: filter_values.text(values, name) for name in values}

    params = dict(parse_qsl(filter_values.address(readable)))

    assert params == {name: text for name, text in readable.items() if text}
    assert {name: filter_values.text(params, name) for name in params} == params


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "two\nlines", "x" * 301])
def test_what_no_field_shows_is_left_out(text: str) -> None:
    assert filter_values.text({"q": text}, "q") == ""
    assert filter_values.text({"q": f" {'x' * 300} "}, "q") == "x" * 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12", True), ("none", True), ("", False), ("-1", False), ("٣", False), ("1" * 19, False)],
)
def test_a_key_is_a_number_or_none(text: str, expected: bool) -> None:
    assert filter_values.is_key(text) is expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "0002-01-01", "\0", "9999-01-01"])
def test_what_is_no_day_is_left_out(text: str) -> None:
    assert filter_values.day(text) is None


def test_a_day_begins_at_midnight_by_the_zones_clock() -> None:
    day = filter_values.day("2026-10-26")

    assert day == date(2026, 10, 26)
    berlin = filter_values.midnight(day, ZoneInfo("Europe/Berlin"))
    assert berlin == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_a_choice_offers_a_chosen_value_that_is_none_of_its_own() -> None:
    assert Choice("c", "Colour", COLOURS, "g").offered == [("", "all"), *COLOURS]
    assert Choice("c", "Colour", COLOURS, "blue").offered == [
        ("", "all"),
        ("blue", "blue"),
        *COLOURS,
    ]
    assert Choice("c", "Colour", COLOURS, "r", empty="").offered == COLOURS


def test_the_form_shows_what_is_chosen_and_unfolds_what_is_set() -> None:
    folded = drawn(More("more", "More", [Text("tag", "Tag", ""), Time("from", "From", "")]))
    unfolded = drawn(More("more", "More", [Text("tag", "Tag", ""), Time("from", "From", "2026-1")]))
    form = drawn(
        Kept("show", "<b>"),
        Links("days", "Days", [Link("all", "All", "", is_current=True)]),
        Search("q", "Find", "x"),
        Choice("c", "Colour", COLOURS, "g"),
        Note("Days of Berlin"),
    )

    assert "open" not in folded.partition("<details")[2].partition(">")[0]
    assert "open" in unfolded.partition("<details")[2].partition(">")[0]
    assert '<option value="g" selected>green</option>' in form
    assert form.count("selected") == 1
    assert '<label class="chip-field is-set">' in form
    assert 'id="own-c" name="c"' in form
    assert 'name="show" value="&lt;b&gt;"' in form
    assert 'href="/some/page"' in form
    assert 'hx-get="/some/page"' in form
    assert 'hx-target="#part"' in form
    assert "Days of Berlin" in form
