"""Thinking that a model writes into its text, in tags, is a block of thinking."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.chat.think_tags import TagSplitter, split
from tests.support.chat_completions import called, decoded, encoded, upstream
from tests.support.chat_stream import DONE, ROLE, chunk, new_stream, text, usage
from tests.support.stream_grammar import run

MAKER = upstream("minimax", number=7)
SAID = "<think>\nHm.\n</think>\n\nHello"
CALL = called("clock", "{}", "call_1")


def plain(said: str, **message: Any) -> list[dict[str, Any]]:
    reply = {"role": "assistant", "content": said} | message
    reason = "tool_calls" if "tool_calls" in message else "stop"
    return decoded(reply, finish_reason=reason, upstream_id=MAKER.id, habits=MAKER.habits).content


def streamed(said: str, **message: Any) -> list[dict[str, Any]]:
    """Three characters in a chunk."""
    calls = [one | {"index": n} for n, one in enumerate(message.pop("tool_calls", []))]
    chunks = [chunk(message)] if message else []
    chunks += [text(said[at : at + 3]) for at in range(0, len(said), 3)]
    chunks += [chunk({"tool_calls": calls})] if calls else []
    end = chunk({}, "tool_calls" if calls else "stop") + usage() + DONE
    seen = run(new_stream(upstream_id=MAKER.id, habits=MAKER.habits), ROLE, *chunks, end)
    return [{name: one[name] for name in one if name != "json"} for one in seen.blocks]


def told(content: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The kinds of blocks, each with its text or name."""
    members = {"tool_use": "name"}
    return [(one["type"], one[members.get(one["type"], one["type"])]) for one in content]


@given(
    pieces=st.lists(st.sampled_from(["<think>", "</think>", "<thi", "nk>", "</", "\n", "a", " "])),
)
def test_text_in_pieces_is_split_as_the_whole_text_is(pieces: list[str]):
    splitter = TagSplitter()
    parts = [splitter.feed(piece) for piece in pieces]
    parts.append(splitter.rest())

    assert tuple(map("".join, zip(*parts, strict=True))) == split("".join(pieces))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (SAID, ("Hm.\n", "Hello")),
        ("\n<think>Hm.</think>Hello", ("Hm.", "Hello")),
        ("<think>Hm.</think>", ("Hm.", "")),
        ("<think>Hm.", ("Hm.", "")),  # cut
        ("<think></think>Hello", ("", "Hello")),
        ("Hello", ("", "Hello")),
        ("<thinker>", ("", "<thinker>")),
        ("Write <think>a</think>.", ("", "Write <think>a</think>.")),
        ("<think>a</think>b<think>c</think>", ("a", "b<think>c</think>")),
        ("  ", ("", "  ")),
    ],
)
def test_only_tags_at_the_beginning_hold_thinking(said: str, expected: tuple[str, str]):
    assert split(said) == expected


@pytest.mark.parametrize("answer", [plain, streamed])
def test_an_answer_has_its_thinking_in_a_block(answer: Any):
    assert told(answer(SAID)) == [("thinking", "Hm.\n"), ("text", "Hello")]
    assert told(answer("<think>Hm.</think>", tool_calls=[CALL])) == [
        ("thinking", "Hm."),
        ("tool_use", "clock"),
    ]
    assert told(answer("Hello")) == [("text", "Hello")]
    assert told(answer("<thin", tool_calls=[CALL])) == [("text", "<thin"), ("tool_use", "clock")]


@pytest.mark.parametrize("answer", [plain, streamed])
def test_thinking_that_a_server_sends_twice_is_there_once(answer: Any):
    content = answer(SAID, reasoning_content="Hm.")
    assert told(content) == [("thinking", "Hm."), ("text", "Hello")]


@pytest.mark.parametrize("answer", [plain, streamed])
def test_it_goes_back_in_tags_to_its_upstream_alone(answer: Any):
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": answer(SAID)},
        {"role": "user", "content": "And?"},
    ]
    sent = encoded(messages=turns, upstream=MAKER)["messages"][1]
    assert sent == {"role": "assistant", "content": SAID}

    elsewhere = encoded(messages=turns, upstream=upstream("minimax", number=8))["messages"][1]
    assert elsewhere == {"role": "assistant", "content": "Hello"}


def test_other_upstreams_pass_the_tags_on():
    assert decoded({"content": SAID}).content == [{"type": "text", "text": SAID}]


def test_a_stream_that_ends_within_the_tags_has_the_thinking():
    assert told(streamed("<think>\nHm. </th")) == [("thinking", "Hm. </th")]
