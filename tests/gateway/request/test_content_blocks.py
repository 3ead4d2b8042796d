"""Content blocks: empty text, images, documents and cache breakpoints."""

import base64
from typing import Any

import pytest

from tests.support.request_bodies import (
    BREAKPOINT,
    CALL,
    RESULT,
    TEXT,
    TOOL,
    assistant,
    parsed,
    rejection,
    user,
)


def test_empty_text_blocks_are_dropped():
    empty = {"type": "text", "text": ""}
    request = parsed(
        system=[empty, TEXT],
        messages=[
            user(empty, TEXT),
            assistant(empty, CALL),
            user(RESULT | {"content": [empty, TEXT]}, empty),
        ],
    )
    assert request.fields["system"] == [TEXT]
    assert request.fields["messages"] == [
        user(TEXT),
        assistant(CALL),
        user(RESULT | {"content": [TEXT]}),
    ]


@pytest.mark.parametrize("nothing", ["", [], [{"type": "text", "text": ""}]])
def test_an_empty_answer_of_ours_may_come_back(nothing: Any):
    hello, again = {"role": "user", "content": "a"}, {"role": "user", "content": "b"}
    request = parsed(messages=[hello, {"role": "assistant", "content": nothing}, again])
    assert request.fields["messages"] == [hello, again]


@pytest.mark.parametrize("nothing", ["", [], [{"type": "text", "text": ""}]])
def test_a_user_turn_of_nothing_is_rejected(nothing: Any):
    messages = [{"role": "user", "content": "a"}, {"role": "user", "content": nothing}]
    assert rejection(messages=messages) == (
        "messages.1.content: text content blocks must be non-empty"
    )
    assert rejection(messages=[{"role": "assistant", "content": nothing}]) == (
        "messages: text content blocks must be non-empty"
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x", ": Input should be an object"),
        ({}, ".type: Field required"),
        ({"type": "path"}, ".type: Input should be 'base64', 'url' or 'file'"),
        ({"type": "base64", "media_type": "image/png"}, ".data: Field required"),
        (
            {"type": "base64", "media_type": "image/png", "data": ""},
            ".data: String should have at least 1 character",
        ),
        *(
            (
                {"type": "base64", "media_type": "image/png", "data": data},
                ".data: Invalid base64 data",
            )
            for data in ("é", "***", "https://example.com/a.png", "C:\\a.png", "aGk=" * 99 + "…")
        ),
        (
            {"type": "base64", "media_type": "image/png", "data": "data:image/png;base64,aGk="},
            ".data: Send the base64 text alone, without `data:…,`",
        ),
        ({"type": "base64", "data": "aGk="}, ".media_type: Field required"),
        (
            {"type": "base64", "media_type": "image/bmp", "data": "aGk="},
            ".media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
        ),
        ({"type": "url"}, ".url: Field required"),
        ({"type": "url", "url": 5}, ".url: Input should be a valid string"),
        ({"type": "file"}, ".file_id: Field required"),
    ],
)
def test_a_bad_image_is_rejected_with_its_place(source: Any, reason: str):
    image = {"type": "image", "source": source}
    path = "messages.0.content.1.source"
    assert rejection(messages=[user(TEXT, image)]) == path + reason
    messages = [assistant(CALL), user(RESULT | {"content": [image]})]
    assert rejection(messages=messages) == "messages.1.content.0.content.0.source" + reason


@pytest.mark.parametrize(
    "source",
    [
        {"type": "url", "url": "https://images.example.com/a.png"},
        {"type": "file", "file_id": "file_1"},
        {"type": "base64", "media_type": "image/webp", "data": "aGk="},
    ],
)
def test_each_kind_of_image_source_passes(source: dict[str, Any]):
    request = parsed(messages=[user({"type": "image", "source": source})])
    assert request.needs == {"images"}
    assert request.image_count == 1


INSIDE = {"type": "image", "source": {"type": "url", "url": "http://169.254.169.254/"}}
HIDING_PLACES: list[tuple[dict[str, Any], str]] = [
    (user({"type": "of_tomorrow", "parts": [{"picture": INSIDE}]}), "messages.0.content.0"),
    (
        assistant({"type": "web_fetch_tool_result", "content": {"content": INSIDE}}),
        "messages.0.content.0",
    ),
    (
        {"role": "user", "content": [{"type": "of_tomorrow", "content": [RESULT, INSIDE]}]},
        "messages.0.content.0",
    ),
]


@pytest.mark.parametrize(("sent", "path"), HIDING_PLACES)
def test_no_address_of_ours_hides_in_a_block_of_another_kind(sent: dict[str, Any], path: str):
    message = f"{path}: Input should be a public http or https URL"
    assert rejection(messages=[sent]) == message


def test_no_address_of_ours_hides_in_a_result_inside_a_result():
    nested = RESULT | {"content": [RESULT | {"content": [INSIDE]}]}
    message = rejection(messages=[assistant(CALL), user(nested)])
    assert message == "messages.1.content.0.content.0: Input should be a public http or https URL"
    shown = {"type": "browser_state", "page": {"type": "url", "url": "https://example.com/"}}
    fine = RESULT | {"content": [shown, {"type": "web_search_result", "url": "http://10.0.0.1"}]}
    assert parsed(messages=[assistant(CALL), user(fine)])


def test_documents_inside_documents_are_rejected():
    inner = {"type": "document", "source": {"type": "text", "data": "x"}}
    outer = {"type": "document", "source": {"type": "content", "content": [inner]}}
    assert rejection(messages=[user(outer)]) == (
        "messages.0.content.0.source.content.0.type: Input should be 'text' or 'image'"
    )


def test_an_image_of_thirty_megabytes_passes():
    data = base64.b64encode(bytes(22_000_000)).decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
    request = parsed(messages=[user({"type": "image", "source": source})])
    assert request.fields["messages"][0]["content"][0]["source"]["data"] == data


def test_four_cache_breakpoints_pass_and_five_do_not():
    marked = TEXT | BREAKPOINT
    messages = [user(marked), assistant(CALL | BREAKPOINT), user(RESULT | {"content": [marked]})]
    assert parsed(messages=messages, system=[marked]).fields["system"] == [marked]
    message = "A maximum of 4 blocks with cache_control may be provided. Found 5."
    assert rejection(messages=messages, system=[marked], tools=[TOOL | BREAKPOINT]) == message
    assert rejection(messages=messages, system=[marked], **BREAKPOINT) == message


def test_a_null_breakpoint_is_none():
    marked = TEXT | {"cache_control": None}
    assert parsed(messages=[user(*[marked] * 5)]).fields["messages"] == [user(*[marked] * 5)]
