"""What an upstream quotes of a request or an answer is taken out of the operator's log."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats import masking, quotations
from gateway.formats.quotations import without_quotations

LETTER = "Dear Ms Doe,\nyour diagnosis is grave, and the password is hunter2"
SENT = json.dumps(
    {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": LETTER}],
        "max_tokens": 4096,
        "tools": [{"name": "f", "id": 4711, "data": "aGVsbG8=" * 40}],
    }
).encode()

QUOTED = [
    ("cannot read 'Dear Ms Doe' there", "cannot read '…' there"),
    ("cannot read `Dear Ms Doe,\\nyour diagnosis` there", "cannot read `…` there"),
    ("cannot read Dear Ms Doe,\nyour diagnosis there", "cannot read … there"),
    ("the letter: your diagnosis is grave, and so on", "the letter: … so on"),
    ("{'role': 'user', 'content': 'hunter2'}", "{'role': 'user', 'content': '…'}"),
    ("no memory for hunter2 here", "no memory for … here"),
    ("not base64: aGVsbG8=" + "aGVsbG8=" * 8, "not base64: …="),
    ("cut off in '" + "of a model " * 3 + "'", "cut off in '…'"),
    ("Failed to parse input at pos 0: words of a model", "Failed to parse input at pos 0: …"),
    ('Invalid JSON "words of a model"', 'Invalid JSON " …'),
    ("no words for Frau Schröder or Жанна", "no words for … or …"),
    ("no tool get_biopsy at tools.2.custom.get_biopsy", "no tool … at tools.2.custom.…"),
    ("key sk-a81Bc09 for vllm-3.internal", "key … for vllm-….internal"),
    ("call 0170 1234567, or 4111 1111 1111 1111", "call …, or …"),
    ("born 1984-03-12 or 12.3.1984 at 10.0.0.1", "… or … at …"),
    ("the code 4711 is given, and 815 is not", "the code … is given, and 815 is not"),
]

KEPT = [
    "400 invalid_request_error: messages.0.content: Field required",
    "the model `gpt-4o` does not exist",
    "max_tokens is too large: 4096. This model supports at most 2048",
    "'role' must be 'user' or 'assistant'",
    "CUDA out of memory. Tried to allocate 2.50 GiB on GPU 3",
    "Rate limit reached: Limit 30,000, Used 28,123, Requested 4,096. Try again in 4.2s.",
    "context_length_exceeded: 1048577 > 1,048,576, so at least 1 token must go",
    "503 Service Unavailable: no healthy upstream",
    "RuntimeError: NCCL error: unhandled cuda error",
]


@pytest.mark.parametrize(("text", "logged"), QUOTED)
def test_what_is_quoted_is_taken_out(text: str, logged: str):
    assert without_quotations(text, SENT, known=["gpt-4o", "4096"]) == logged


@pytest.mark.parametrize("text", KEPT)
def test_what_operators_need_stays(text: str):
    assert without_quotations(text, SENT, known=["gpt-4o", "4096"]) == text


_KNOWN = {
    *(Path(quotations.__file__).with_name("error_words.txt").read_text().split()),
    *(piece for label in masking.LABELS for piece in re.findall("[a-z]+", label)),
    *("gpt", "o"),
    *("b", "g", "k", "m", "s", "ms", "ns", "us", "th"),
    *("kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"),
}
_PLAIN_TEXTS = st.lists(st.text("abcdefghijklmnopqrstuvwxyzäöü", min_size=1), min_size=1).map(
    " ".join
)


@given(
    st.text() | _PLAIN_TEXTS,
    st.sampled_from(["'{}'", "{}", "got {} instead", '{{"content": "{}"}}', "parsing {}"]),
)
def test_whatever_an_upstream_says_only_known_words_stay(said: str, form: str):
    logged = without_quotations(form.format(said), SENT, known=["gpt-4o", "4096"])
    for word in re.findall(r"[^\W\d_]+", logged):
        pieces = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", word)
        assert word.lower() in _KNOWN or {piece.lower() for piece in pieces} <= _KNOWN, logged
    assert not re.search(r"\d{8}", logged)


_ERROR_WORDS = st.lists(st.sampled_from(sorted(_KNOWN)), min_size=3, max_size=30)


@given(_ERROR_WORDS, st.sampled_from(["'{}'", "{}", 'got: "{}" instead']))
def test_no_three_words_of_a_prompt_stay_although_they_are_known(words: list[str], form: str):
    prompt = " ".join(words)
    sent = json.dumps({"content": prompt}).encode()
    logged = re.findall("[a-z_0-9]+|…", without_quotations(form.format(prompt), sent))
    for begin in range(len(words) - 2):
        run = words[begin : begin + 3]
        if not masking.LABELS.issuperset(run):
            places = range(len(logged) - 2)
            assert not any(logged[place : place + 3] == run for place in places)


def test_a_quotation_is_found_across_the_pieces_of_a_large_request():
    text = "x" * (64 * 1024 - len('{"a": "') - 9) + " " + LETTER
    sent = json.dumps({"a": text}).encode()
    assert without_quotations("text: grave, and the password there", sent) == "text: … there"
