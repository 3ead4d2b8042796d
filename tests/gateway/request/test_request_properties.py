"""Property tests: any body is either accepted or rejected with InvalidRequest."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.request import parse
from tests.support.request_bodies import MINIMAL, OPTIONAL

finite = st.floats(allow_nan=False, allow_infinity=False)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "source", "name", "id", "role", "data"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
known_field = st.sampled_from([*MINIMAL, *OPTIONAL, "output_format"])
block_type = st.sampled_from(
    ["text", "image", "document", "search_result", "tool_use", "tool_result", "thinking", "new"]
)
block = st.builds(
    lambda kind, rest: rest | {"type": kind},
    block_type,
    st.dictionaries(
        st.sampled_from(["text", "source", "content", "tool_use_id", "id", "input", "title"]),
        json_value,
        max_size=4,
    ),
)


def rejection_of(body: bytes) -> InvalidRequest | None:
    """Return the InvalidRequest for the body; any other exception fails the test."""
    try:
        parse.messages_request(body)
    except InvalidRequest as error:
        return error
    return None


@given(changes=st.dictionaries(known_field, json_value, max_size=4))
def test_no_value_of_a_field_is_worse_than_refused(changes: dict[str, Any]):
    error = rejection_of(json.dumps(MINIMAL | changes).encode())
    assert error is None or error.message


@given(role=st.sampled_from(["user", "assistant", "system"]), blocks=st.lists(block, max_size=4))
def test_no_block_is_worse_than_refused(role: str, blocks: list[Any]):
    messages = [{"role": "user", "content": "x"}, {"role": role, "content": blocks}]
    error = rejection_of(json.dumps(MINIMAL | {"messages": messages}).encode())
    assert error is None or error.path.startswith("messages")


@given(body=st.binary(max_size=60))
def test_no_bytes_are_worse_than_refused(body: bytes):
    assert rejection_of(body) is not None
