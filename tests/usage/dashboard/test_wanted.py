"""What the address of the dashboard says, there and back."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.dashboard import wanted
from usage.dashboard.wanted import Measure, Wanted
from usage.reading import Filters, Grouping, Width

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
TEXTS = st.one_of(
    st.sampled_from(
        ["30d", "24h", "month", "credits", "errors", "latency", "model", "tag", "key", "1d", "1h"]
    ),
    st.sampled_from(["1", "none", "2026-11-01", "2026-11-10", "caicaini/swift", "team:web"]),
    st.text(max_size=12),
)
NAMES = ("range", "show", "by", "table", "width", "compare", "key", "model", "source", "tag")


def read(**params: str) -> Wanted:
    return wanted.parse(params, now=NOW, zone=UTC)


@given(st.dictionaries(st.sampled_from([*NAMES, "from", "to"]), TEXTS))
def test_an_address_that_is_read_and_written_says_the_same(params: dict[str, str]) -> None:
    first = wanted.parse(params, now=NOW, zone=UTC)

    assert wanted.parse(dict(parse_qsl(first.address())), now=NOW, zone=UTC) == first


def test_the_defaults_are_not_in_the_address() -> None:
    assert read().address() == ""
    assert read(range="7d", show="errors").address() == "range=7d&show=errors"


def test_a_tag_stands_alone_because_its_sums_know_no_keys() -> None:
    asked = read(tag="team:web", key="12", by="key")

    assert asked.reading_filters == Filters(tag="team:web")
    assert asked.grouping is None
    assert asked.table_grouping is None


def test_groups_by_tag_give_way_to_a_filter() -> None:
    assert read(by="tag").grouping is Grouping.TAG
    assert read(by="tag", model="caicaini/swift").grouping is Grouping.MODEL


def test_errors_are_split_by_error_and_latency_is_not_split() -> None:
    assert read(show="errors").grouping is Grouping.ERROR
    assert read(show="latency").grouping is None


def test_calls_without_a_key_are_the_consoles() -> None:
    assert read(key="none").reading_filters == Filters(is_console=True)
    assert read(key="12").reading_filters == Filters(key_id=12)


@pytest.mark.parametrize("key", ["0x12", "-1", "٣", "1" * 19, "\x00"])
def test_a_key_that_is_no_number_is_left_out(key: str) -> None:
    assert read(key=key).filters == {}


def test_a_width_that_does_not_suit_the_span_is_left_out() -> None:
    assert read(range="30d", width="15m").width is Width.DAY
    assert read(range="7d", width="1h").width is Width.HOUR


def test_chosen_days_reach_the_address_as_they_were_chosen() -> None:
    asked = read(**{"range": "custom", "from": "2026-11-01", "to": "2026-11-10"})

    assert asked.values == {"range": "custom", "from": "2026-11-01", "to": "2026-11-10"}
    assert read(**{"from": "2026-11-31", "to": "x"}).span.name == "30d"


def test_what_is_not_understood_is_the_default() -> None:
    assert read(show="dollars", by="colour").measure is Measure.CREDITS
