"""An answer ends at a stop sequence that its server does not know."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.chat.stop_watch import StopWatch, cut
from tests.support.chat_completions import called, decoded, request
from tests.support.chat_stream import CALL, END, ROLE, chunk, see, text, usage

STOPS = ["A", "B", "C", "D", "END"]


@given(
    pieces=st.lists(st.text(alphabet="ENDx ", max_size=4)),
    stops=st.lists(st.text(alphabet="END", min_size=1, max_size=3), min_size=5, max_size=7),
)
def test_text_in_pieces_ends_where_the_whole_text_does(pieces: list[str], stops: list[str]):
    watch, passed = StopWatch(stops), ""
    found: str | None = None
    for piece in pieces:
        if found is None:
            more, found = watch.feed(piece)
            passed += more
    passed += "" if found else watch.rest()

    whole = cut("".join(pieces), stops)
    # Of two that overlap, the one that is complete first ends a stream.
    assert (found is None) is (whole.stop is None)
    assert found or passed == "".join(pieces)
    assert "".join(pieces).startswith(passed)
    assert not any(stop in passed for stop in stops)


def test_a_stream_ends_at_it():
    seen = see(ROLE, text("Hello E"), text("N"), text("D and more"), END, stop_sequences=STOPS)

    assert seen.joined("text") == "Hello "
    assert seen.ending == {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    assert seen.usage is not None
    assert seen.usage["output_tokens"] == 2  # what was delivered


def test_counts_of_what_is_not_delivered_are_not_charged():
    said = chunk({"content": "Hello END and more"}, usage={"completion_tokens": 500})

    seen = see(ROLE, usage(10, 400), said, END, stop_sequences=STOPS)

    assert seen.usage is not None
    assert (seen.usage["input_tokens"], seen.usage["output_tokens"]) == (10, 2)


def test_what_only_began_one_is_delivered():
    for last in ("", CALL, chunk({"reasoning": "hm"})):
        chunks = [chunk for chunk in (ROLE, text("Hello EN"), last, END) if chunk]
        seen = see(*chunks, stop_sequences=STOPS)
        assert seen.joined("text") == "Hello EN"


def test_a_plain_answer_ends_at_it():
    message = {"content": "Hello END and more", "tool_calls": [called("clock", "{}")]}

    reply = decoded(message, checked=request(stop_sequences=STOPS))

    assert reply.content == [{"type": "text", "text": "Hello "}]
    assert (reply.stop_reason, reply.stop_sequence) == ("stop_sequence", "END")
    assert (reply.usage.output_tokens, reply.usage.is_estimated) == (2, True)


def test_four_are_left_to_the_server():
    message = {"content": "Hello END and more"}

    reply = decoded(message, checked=request(stop_sequences=STOPS[1:]))

    assert reply.content == [{"type": "text", "text": "Hello END and more"}]
