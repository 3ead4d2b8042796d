"""A call is recorded with the tags, the session and the user that its caller names."""

import hashlib
from typing import Any

import pytest

from gateway.http import labels
from tests.support.customers import Customer
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually
from usage.models import RequestRecord

LONG = "user_" + "é" * 200


def recorded(
    customer: Customer, upstream: ScriptedUpstream, headers: dict[str, str], **fields: Any
) -> RequestRecord:
    seen = {one.id for one in customer.records()}
    answer = customer.ask(upstream.script(says()).prompt, headers=headers, **fields)
    assert answer.status == 200
    [record] = eventually(
        lambda: [one for one in customer.records() if one.id not in seen], what="the record"
    )
    return record


def test_labels_are_recorded(customer: Customer, upstream: ScriptedUpstream) -> None:
    record = recorded(
        customer,
        upstream,
        {labels.TAGS: " nightly, team/search ,nightly", labels.SESSION: "4f7c-9b52"},
        metadata={"user_id": "customer-4711"},
    )

    assert record.tags == ["nightly", "team/search"]
    assert (record.session_id, record.user_label) == ("4f7c-9b52", "customer-4711")


def test_of_long_ones_the_digest_is_kept(customer: Customer, upstream: ScriptedUpstream) -> None:
    session = "s" * 129
    record = recorded(customer, upstream, {labels.SESSION: session}, metadata={"user_id": LONG})

    assert record.user_label == hashlib.sha256(LONG.encode()).hexdigest()
    assert record.session_id == hashlib.sha256(session.encode()).hexdigest()


@pytest.mark.parametrize("user_id", ["a\0b", "two\nlines"])
def test_of_a_user_that_is_no_text_the_digest_is_kept(
    customer: Customer, upstream: ScriptedUpstream, user_id: str
) -> None:
    """The call itself is one like any other."""
    record = recorded(customer, upstream, {}, metadata={"user_id": user_id})

    encoded = user_id.encode(errors="surrogatepass")
    assert record.user_label == hashlib.sha256(encoded).hexdigest()


def test_without_labels_nothing_is_recorded(customer: Customer, upstream: ScriptedUpstream) -> None:
    headers = {labels.TAGS: " ", labels.SESSION: ""}
    for record in (
        recorded(customer, upstream, {}),
        recorded(customer, upstream, headers, metadata={}),
        recorded(customer, upstream, headers, metadata={"user_id": None}),
    ):
        assert (record.tags, record.session_id, record.user_label) == (None, None, None)


@pytest.mark.parametrize(
    "tags",
    [
        "a b",
        "a,,b",
        "ü",
        "x" * (labels.LONGEST_TAG + 1),
        ",".join(f"t{n}" for n in range(labels.MOST_TAGS + 1)),
        ",",
        "a\tb",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_tag_is_refused_with_the_rule(customer: Customer, tags: str, stream: bool) -> None:
    answer = customer.ask("hello", headers={labels.TAGS: tags}, stream=stream)

    assert answer.status == 400
    assert answer.error["message"] == f"{labels.TAGS}: Input should be {labels.TAG_RULE}"
    assert customer.charges() == []


def test_the_most_tags_that_are_accepted(customer: Customer, upstream: ScriptedUpstream) -> None:
    longest = ["x" * (labels.LONGEST_TAG - 1) + str(n) for n in range(labels.MOST_TAGS)]
    record = recorded(customer, upstream, {labels.TAGS: ",".join(longest)})

    assert record.tags == longest
