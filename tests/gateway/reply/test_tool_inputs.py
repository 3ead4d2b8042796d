"""The input of a tool call is mended where that alone makes it an object, wherever it is split."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidToolInput
from gateway.reply.object_scanner import ObjectScanner
from gateway.reply.tool_inputs import parse
from tests.support.random_json import json_object, split_at

MENDED: list[tuple[str, Any]] = [
    ('{"a": "1\n2"}', {"a": "1\n2"}),
    ('{"a": "\t\r\x00\x1f"}', {"a": "\t\r\x00\x1f"}),
    ('{"a": "C:\\dir"}', {"a": "C:\\dir"}),
    ('{"a": "\\d\\ \\1"}', {"a": "\\d\\ \\1"}),
    ('{"a": "\\u12"}', {"a": "\\u12"}),
    ('{"a": "\\u12zz"}', {"a": "\\u12zz"}),
    ('{"a": "\\u"}', {"a": "\\u"}),
    ('{"a": "\\u00e9"}', {"a": "é"}),
    ('{"a": 1,}', {"a": 1}),
    ('{"a": [1, 2 , \n ] , }', {"a": [1, 2]}),
    ('{"a": ",}"}', {"a": ",}"}),
    ('{"a": [[],{},],}', {"a": [[], {}]}),
]
HOPELESS = ['{"a" 1}', "{a: 1}", '{"a": 01}', '{"a": NaN}', '{"a": 1,, "b": 2}', "{]", '{"a": }']


def feed(*pieces: str) -> tuple[str, bool]:
    scanner = ObjectScanner()
    return "".join(scanner.feed(piece) for piece in pieces), scanner.is_complete


@pytest.mark.parametrize(("text", "value"), MENDED, ids=repr)
def test_three_faults_are_mended_however_the_text_is_split(text: str, value: Any):
    assert parse(text) == value
    assert json.loads(feed(*text)[0]) == value
    for at in range(len(text)):
        mended, is_complete = feed(text[:at], text[at:])
        assert is_complete
        assert json.loads(mended) == value


@pytest.mark.parametrize("text", HOPELESS)
def test_others_are_refused(text: str):
    for pieces in ([text], list(text)):
        with pytest.raises(InvalidToolInput):
            feed(*pieces)
    with pytest.raises(InvalidToolInput):
        parse(text)


@given(json_object, st.lists(st.integers(0, 200), max_size=5), st.booleans(), st.booleans())
def test_valid_json_passes_as_it_is(value: Any, cuts: list[int], is_indented: bool, is_ascii: bool):
    text = json.dumps(value, indent=2 if is_indented else None, ensure_ascii=is_ascii)
    assert feed(*split_at(text, cuts)) == (text, True)


@given(json_object, st.integers(1, 400))
def test_nothing_is_kept_back_but_an_open_escape_or_comma(value: Any, at: int):
    text = json.dumps(value)[:at]
    passed, _ = feed(text)
    kept = text[len(passed) :]
    assert text.startswith(passed)
    assert not kept or kept.lstrip("\\u0123456789abcdefABCDEF") == "" or kept.strip() == ","


@given(st.text(max_size=30))
def test_whatever_comes_is_an_object_or_a_fault(text: str):
    with contextlib.suppress(InvalidToolInput):
        assert isinstance(parse(text), dict)
