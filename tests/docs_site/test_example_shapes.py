"""Comparing what an example prints with what was recorded: structure counts, words do not."""

import pytest

from tests.support.docs_examples.shapes import differences

ANSWER = (
    '{"id": "msg_1", "content": [{"type": "text", "text": "Hi"}], "usage": {"output_tokens": 3}}'
)
STREAM = """\
event: content_block_delta
data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}

event: message_stop
data: {"type": "message_stop"}
"""
PRINTED = "Hello there\ncredits: 12\n"


@pytest.mark.parametrize(
    ("recorded", "got"),
    [
        (ANSWER, ANSWER.replace("Hi", "Good morning").replace("3", "17")),
        (STREAM, ": keep-alive\n\n" + STREAM.partition("\n\n")[0] + "\n\n" + STREAM),
        (PRINTED, "Other words\nand more of them\ncredits: 7\n"),
    ],
    ids=["numbers and words", "more pieces and a comment", "more lines of text"],
)
def test_other_words_are_the_same_shape(recorded: str, got: str) -> None:
    assert differences(recorded, got, has_free_text=False) == []


@pytest.mark.parametrize(
    ("recorded", "got"),
    [
        (ANSWER, ANSWER.replace('"output_tokens": 3', '"output_tokens": "3"')),
        (ANSWER, ANSWER.replace('"type": "text"', '"type": "thinking"')),
        (ANSWER, ANSWER.replace('"id": "msg_1", ', "")),
        (ANSWER, '{"type": "error", "error": {"type": "api_error", "message": "No."}}'),
        (STREAM, STREAM.replace("message_stop", "error")),
        (STREAM, STREAM.partition("\n\n")[2] + STREAM.partition("\n\n")[0]),
        (PRINTED, "Hello there\n"),
        (PRINTED, "Hello there\ncredits: undefined\n"),
        (PRINTED, ""),
    ],
    ids=[
        "a string for a number",
        "another block",
        "a member is missing",
        "an error",
        "another event",
        "another order",
        "a line is missing",
        "a value is missing",
        "nothing",
    ],
)
def test_another_structure_is_another_shape(recorded: str, got: str) -> None:
    assert differences(recorded, got, has_free_text=False)


def test_a_model_that_writes_labels_of_its_own_changes_nothing() -> None:
    recorded, got = "Robot: hello\ncredits: 12\n", "answer: hi\n1. event: none\ncredits: 7\n"

    assert differences(recorded, got, has_free_text=True) == []
    assert differences(recorded, got.partition("credits")[0], has_free_text=True)
