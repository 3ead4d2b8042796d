"""The stop reason of a stream fits its content, despite what the upstream reports."""

from typing import Any

import pytest

from tests.support.messages_stream import HELLO, START, ending, fragment, see, stop, tool

WHOLE_CALL = [tool(0), fragment(0, "{}"), stop(0)]
CUT_CALL = [tool(0), fragment(0, '{"a": '), stop(0)]


@pytest.mark.parametrize(
    ("events", "reason", "sequence", "expected"),
    [
        (HELLO, "end_turn", None, ("end_turn", None)),
        (HELLO, "end_turn", "END", ("stop_sequence", "END")),
        (HELLO, "stop_sequence", "END", ("stop_sequence", "END")),
        (HELLO, "max_tokens", "END", ("max_tokens", None)),
        (HELLO, None, None, ("end_turn", None)),
        (HELLO, 5, 5, ("end_turn", None)),
        (HELLO, "Not a word", None, ("end_turn", None)),
        (HELLO, "stop", None, ("end_turn", None)),
        (HELLO, "length", None, ("max_tokens", None)),
        (HELLO, "content_filter", None, ("refusal", None)),
        (HELLO, "tool_use", None, ("end_turn", None)),
        (HELLO, "pause_turn", None, ("pause_turn", None)),
        (HELLO, "refusal", None, ("refusal", None)),
        (HELLO, "model_context_window_exceeded", None, ("model_context_window_exceeded", None)),
        (HELLO, "a_new_reason", None, ("a_new_reason", None)),
        (WHOLE_CALL, "tool_use", None, ("tool_use", None)),
        (WHOLE_CALL, "end_turn", None, ("tool_use", None)),
        (WHOLE_CALL, "end_turn", "END", ("tool_use", None)),
        (WHOLE_CALL, "stop_sequence", "END", ("stop_sequence", "END")),
        (WHOLE_CALL, "stop_sequence", None, ("tool_use", None)),
        (HELLO, "v2.new-Reason", None, ("v2.new-Reason", None)),
        (WHOLE_CALL, None, None, ("tool_use", None)),
        (WHOLE_CALL, "max_tokens", None, ("max_tokens", None)),
        (WHOLE_CALL, "refusal", None, ("refusal", None)),
        (CUT_CALL, "max_tokens", None, ("max_tokens", None)),
        (CUT_CALL, "stop_sequence", "END", ("stop_sequence", "END")),
    ],
)
def test_the_stop_reason_fits_the_content(
    events: Any, reason: Any, sequence: Any, expected: tuple[str, str | None]
):
    seen = see(START, *events, *ending(reason, sequence, output_tokens=5))
    assert seen.ending is not None
    assert (seen.ending["stop_reason"], seen.ending["stop_sequence"]) == expected


def test_details_of_a_refusal_pass():
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    end = ending("refusal", output_tokens=5)
    end[0]["delta"] |= {"stop_details": details, "container": None, "diagnostics": {"x": 1}}
    seen = see(START, *HELLO, *end)
    assert seen.ending == {
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": details,
        "container": None,
    }
