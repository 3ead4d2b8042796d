"""A NUL or half of a surrogate pair in what a caller sends: refused, or never recorded.

A record with such a text would be rejected by PostgreSQL, and the answer would be free.
"""

import json
from typing import Any

import pytest

from gateway.call import Labels
from gateway.errors import InvalidRequest
from tests.support.callers import Caller
from tests.support.customers import Customer
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream

CHARGE = 60
NUL = "a\0b"


def with_text(field: str, text: str) -> dict[str, Any]:
    """Return members of a request with the text in a field."""
    members: dict[str, dict[str, Any]] = {
        "metadata": {"metadata": {"user_id": text}},
        "system": {"system": text},
        "stop_sequences": {"stop_sequences": [text]},
        "service_tier": {"service_tier": text},
        "an unknown member": {text: text},
        "tools": {"tools": [{"name": "tool", "description": text, "input_schema": {}}]},
    }
    return members[field]


@pytest.mark.parametrize(
    "field",
    ["metadata", "system", "stop_sequences", "service_tier", "an unknown member", "tools"],
)
def test_a_call_with_a_nul_is_charged_like_any_other(
    customer: Customer, upstream: ScriptedUpstream, field: str
) -> None:
    script = upstream.script(says())

    answer = customer.ask(script.prompt, **with_text(field, NUL))

    assert answer.status == 200
    customer.wait_until_settled()
    assert customer.charges() == [CHARGE]


def test_a_model_with_a_nul_is_an_unknown_model(customer: Customer) -> None:
    assert customer.ask("Hello", model="scripted/messages\0").status == 404


@pytest.mark.parametrize("place", ["value", "name"])
def test_a_body_with_half_of_a_surrogate_pair_is_refused(customer: Customer, place: str) -> None:
    body = {"model": "scripted/messages", "max_tokens": 9, "messages": []}
    odd = {"metadata": {"user_id": "\ud83d"}} if place == "value" else {"\ud83d": 1}

    answer = customer.caller.post("/v1/messages", json.dumps(body | odd).encode())

    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    "path",
    ["/v1/usage?starting_at=a%00", "/v1/usage?group_by=a%00", "/v1/models?after_id=a%00"],
)
def test_a_query_with_a_nul_is_answered(customer: Customer, path: str) -> None:
    assert customer.caller.get(path).status in {200, 400}


def test_a_key_with_a_nul_is_no_key(customer: Customer) -> None:
    stranger = Caller(customer.url, None)

    answer = stranger.get("/v1/credits", headers={"x-api-key": "cai_api_\xed\xa0\x80"})

    assert answer.status == 401


@pytest.mark.parametrize("text", [NUL, "\0", "\ud83d", "a\udc00"])
@pytest.mark.parametrize("place", ["tags.1", "session_id", "user_label"])
def test_a_label_that_cannot_be_recorded_is_refused(place: str, text: str) -> None:
    name = place.partition(".")[0]
    value = ("fine", text) if name == "tags" else text

    with pytest.raises(InvalidRequest) as raised:
        Labels(**{name: value})

    assert raised.value.path == place


def test_other_labels_are_taken_as_they_are() -> None:
    labels = Labels(tags=("a", "ünïcødé 🙂"), session_id="\u200b", user_label="")

    assert labels.tags == ("a", "ünïcødé 🙂")
