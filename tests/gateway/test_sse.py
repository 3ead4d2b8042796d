"""Server-sent events are parsed into the same events wherever the network splits the bytes."""

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import sse
from gateway.sse import EventTooLarge, Parser, ServerSentEvent


def parse(*chunks: bytes) -> list[ServerSentEvent]:
    parser = Parser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[start:end] for start, end in pairwise(edges)]


line = st.binary(max_size=12).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))
field_line = st.builds(
    lambda name, colon, value: name + colon + value,
    st.sampled_from([b"data", b"event", b"id", b"", b"retry", b"other", b"\xef\xbb\xbfdata"]),
    st.sampled_from([b":", b": ", b""]),
    st.one_of(line, st.sampled_from(["é".encode(), "\u2028x".encode(), "a\u0085b".encode()])),
)
stream = st.lists(
    st.tuples(st.one_of(field_line, st.just(b"")), st.sampled_from([b"\n", b"\r", b"\r\n"])),
    max_size=30,
).map(lambda lines: b"".join(text + end for text, end in lines))


@given(raw=stream, places=st.lists(st.integers(0, 10_000), max_size=20))
def test_any_cut_gives_the_same_events(raw: bytes, places: list[int]):
    assert parse(*cut(raw, places)) == parse(raw)


@given(raw=stream)
def test_one_byte_at_a_time_gives_the_same_events(raw: bytes):
    assert parse(*(raw[at : at + 1] for at in range(len(raw)))) == parse(raw)


@given(
    events=st.lists(
        st.tuples(st.from_regex(r"[a-z_]{1,10}", fullmatch=True), st.text(max_size=20)), max_size=8
    ),
    places=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_encoded_events_are_parsed_back(events: list[tuple[str, str]], places: list[int]):
    one_line = [(name, text.replace("\n", " ").replace("\r", " ")) for name, text in events]
    raw = b"".join(sse.encode(name, text.encode()) for name, text in one_line)
    parsed = parse(*cut(raw, places))
    assert [(event.event, event.data.decode()) for event in parsed] == one_line


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_may_end_in_any_of_three_ways(end: bytes):
    raw = end.join([b"event: ping", b"data: 1", b"", b"data: 2", b"", b""])
    assert parse(raw) == [("ping", b"1"), ("", b"2")]


def test_a_crlf_that_the_network_cuts_is_one_line_end():
    assert parse(b"data: 1\r", b"\n\r", b"\ndata: 2\r\n", b"\r\n") == [("", b"1"), ("", b"2")]


def test_an_event_is_out_as_soon_as_its_empty_line_is():
    parser = Parser()
    assert parser.feed(b"data: 1\r\n\r") == [("", b"1")]
    assert parser.feed(b"\n") == []


def test_unicode_line_separators_are_text():
    text = "one\u2028two\u2029three\u0085four\x0bfive\x0csix"
    assert parse(f"data: {text}\n\n".encode()) == [("", text.encode())]


def test_several_data_lines_are_joined_by_line_feeds():
    assert parse(b"data: a\ndata:b\ndata:  c\ndata\n\n") == [("", b"a\nb\n c\n")]


def test_comments_ids_and_retry_times_are_ignored():
    assert parse(b": hello\nid: 7\nretry: 10\nnonsense\ndata: x\n\n: bye\n\n") == [("", b"x")]


def test_an_event_without_data_is_dropped():
    assert parse(b"event: a\n\ndata: x\n\n") == [("", b"x")]


def test_a_byte_order_mark_is_skipped_at_the_start_only():
    mark = b"\xef\xbb\xbf"
    assert parse(mark[:1], mark[1:] + b"data: x\n\n") == [("", b"x")]
    assert parse(b"\n" + mark + b"data: x\n\n") == []


def test_json_padded_with_spaces_keeps_them_after_the_first():
    assert parse(b'data:  {"a":1}   \n\n') == [("", b' {"a":1}   ')]


def test_an_event_without_its_empty_line_comes_out_at_the_end():
    parser = Parser()
    assert parser.feed(b"event: end\ndata: x\ndata: y") == []
    assert parser.close() == [("end", b"x\ny")]
    assert parser.close() == []


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: " + b"x" * 101],
        [b"data: " + b"x" * 60 + b"\n", b"data: " + b"x" * 60 + b"\n"],
        [b"data: "] + [b"x"] * 101,
        [b"x" * 101],
    ],
    ids=["one line", "many lines", "in bytes", "no field at all"],
)
def test_an_event_over_the_limit_is_rejected_before_it_ends(chunks: list[bytes]):
    parser = Parser(event_limit_bytes=100)
    with pytest.raises(EventTooLarge):
        deque(map(parser.feed, chunks))


def test_the_limit_is_for_each_event_alone():
    parser = Parser(event_limit_bytes=100)
    for _ in range(10):
        assert len(parser.feed(b"data: " + b"x" * 90 + b"\n\n")) == 1


def test_keep_alive_comments_are_ignored():
    assert parse(sse.COMMENT) == []
