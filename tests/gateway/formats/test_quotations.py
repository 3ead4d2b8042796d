"""What an upstream quotes of a request or an answer is taken out of the operator's log."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.quotations import without_quotations

LETTER = "Dear Ms Doe,\nyour diagnosis is grave, and the password is hunter2"
SENT = json.dumps(
    {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": LETTER}],
        "max_tokens": 4096,
        "tools": [{"name": "f", "id": "toolu_4711", "data": "aGVsbG8=" * 40}],
    }
).encode()

QUOTED = [
    ("cannot read 'Dear Ms Doe' there", "cannot read '…' there"),
    ("cannot read `Dear Ms Doe,\\nyour diagnosis` there", "cannot read `…` there"),
    ("cannot read Dear Ms Doe,\nyour diagnosis there", "cannot read … there"),
    ("the letter: your diagnosis is grave, and so on", "the letter: … so on"),
    ("{'role': 'user', 'content': 'hunter2'}", "{'role': 'user', 'content': '…'}"),
    ("no room for hunter2 here", "no room for … here"),
    ("not base64: aGVsbG8=" + "aGVsbG8=" * 8, "not base64: …="),
    ("cut off in '" + "of a model " * 3 + "'", "cut off in '…'"),
    ("Failed to parse input at pos 0: words of a model", "Failed to parse input at pos 0: …"),
    ('Invalid JSON "words of a model"', 'Invalid JSON " …'),
]

KEPT = [
    "400 invalid_request_error: messages.0.content: Field required",
    "no route to vllm-3.internal:8000 for org-8a7b6c, request req_0123456789",
    "the model `gpt-4o` does not exist",
    "max_tokens is too large: 4096. This model supports at most 2048",
    "'role' must be 'user' or 'assistant'",
    "CUDA out of memory. Tried to allocate 2.50 GiB on GPU 3",
]


@pytest.mark.parametrize(("text", "logged"), QUOTED)
def test_what_is_quoted_is_taken_out(text: str, logged: str):
    assert without_quotations(text, SENT, known=["gpt-4o"]) == logged


@pytest.mark.parametrize("text", KEPT)
def test_what_operators_need_stays(text: str):
    assert without_quotations(text, SENT, known=["gpt-4o"]) == text


_WORDS = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyzäöü", min_size=2, max_size=9), min_size=3, max_size=30
)


@given(_WORDS, st.sampled_from(["'{}'", "{}", "got {} instead", '{{"content": "{}"}}']))
def test_no_three_words_of_a_prompt_stay(words: list[str], form: str):
    prompt = " ".join(words)
    sent = json.dumps({"content": prompt}, ensure_ascii=False).encode()
    logged = without_quotations(form.format(prompt), sent)
    for begin in range(len(words) - 2):
        run = words[begin : begin + 3]
        if "content" not in run:
            assert " ".join(run) not in logged.replace("got ", "").replace(" instead", "")


def test_a_quotation_is_found_across_the_pieces_of_a_large_request():
    text = "x" * (64 * 1024 - len('{"a": "') - 9) + " " + LETTER
    sent = json.dumps({"a": text}).encode()
    assert without_quotations("cannot read Dear Ms Doe there", sent) == "cannot read … there"
