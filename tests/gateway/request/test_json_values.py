"""The values of a body are counted before it is parsed, wherever its parts begin and end."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.request.json_values import MOST_VALUES, JsonValues

TEXT = st.text(st.sampled_from('ab\\",[{}]:\n\u20ac'), max_size=9)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


def counted(body: bytes, cuts: list[int]) -> int:
    values = JsonValues()
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(places):
        values.add(body[start:end])
    return values.count


def values_in(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(values_in, inner))


def empty_in(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return (not value) + sum(map(empty_in, inner))


@given(JSON, st.lists(st.integers(0, 400)))
def test_the_count_is_that_of_the_values_and_one_more_for_each_empty_container(
    value: Any, cuts: list[int]
) -> None:
    for indent in (None, 1):
        body = json.dumps(value, ensure_ascii=False, indent=indent).encode()
        assert counted(body, cuts) == values_in(value) + empty_in(value)


@pytest.mark.parametrize("end", [0, 1, 2, 3, 65_534, 65_535, 65_536, 65_537])
def test_backslashes_where_a_part_ends_are_no_end_of_a_string(end: int) -> None:
    body = b'["' + b"\\\\" * (end // 2) + b"\\" * (end % 2) + b'", 1, 2'
    is_open = end % 2 == 1  # the last one escapes the quote

    assert counted(body, [2 + end]) == (2 if is_open else 4)


@pytest.mark.parametrize("unit", [b"[],", b'{"":0},', b"1,", b'"",', b'{"type":"text"},'])
def test_a_body_of_more_values_than_allowed_is_refused_whatever_they_are(unit: bytes) -> None:
    values = JsonValues()
    with pytest.raises(InvalidRequest, match="more than 400,000 values"):
        values.add(b"[" + unit * (MOST_VALUES + 1))


def test_the_largest_text_and_the_most_messages_are_allowed() -> None:
    message = b'{"role":"user","content":"a, b"},'
    for body in (b'["' + b"a, [b] {c}" * 3_000_000 + b'"]', b"[" + message * 100_000 + b"0]"):
        JsonValues().add(body)
