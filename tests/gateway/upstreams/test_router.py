"""A request is routed: by name, or by what it needs, to the cheapest that can and is well."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest

from catalogue.pricing import Price
from catalogue.snapshot import CatalogueSnapshot, ModelRow, UpstreamRow
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    ModelNotFound,
    PermissionDenied,
    UpstreamUnavailable,
)
from gateway.request import parse
from gateway.upstreams import router
from gateway.upstreams.router import Route

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TOOL = {"name": "look", "input_schema": {"type": "object"}}


def upstream(number: int, *, priority: int = 0, weight: int = 1, secret: str = "") -> UpstreamRow:
    return UpstreamRow(number, "messages", "http://x", "inside", secret, priority, weight)


def model(
    name: str,
    *,
    cost: int | None,
    can: str = "",
    auto: bool = True,
    context: int = 1000,
    upstreams: tuple[UpstreamRow, ...] = (),
) -> ModelRow:
    price = (
        () if cost is None else ((datetime(2026, 1, 1, tzinfo=UTC), Price(1, *[cost * 10**6] * 5)),)
    )
    return ModelRow(
        public_id=name,
        name=name,
        context_tokens=context,
        max_output_tokens=100,
        capabilities=frozenset(can.split()),
        max_tokens_per_image=50,
        is_auto=auto,
        created_at=NOW,
        prices=price,
        upstreams=upstreams or (upstream(abs(hash(name))),),
    )


def routed(
    *models: ModelRow,
    to: str = router.AUTO,
    allowed: tuple[str, ...] = (),
    blocked: Mapping[int, float] | None = None,
    seed: int = 1,
    **fields: Any,
) -> Route:
    body = {"model": to, "max_tokens": 500, "messages": [{"role": "user", "content": "hi"}]}
    return router.route(
        parse.messages_request(msgspec.json.encode(body | fields)),
        CatalogueSnapshot(1, {one.public_id: one for one in models}),
        allowed_models=allowed,
        now=NOW,
        blocked=blocked or {},
        draw=Random(seed).random,
    )


def test_auto_takes_the_cheapest_model():
    route = routed(model("dear", cost=9), model("cheap", cost=1))

    assert route.candidates[0].model.public_id == "cheap"
    assert route.explained(route.candidates[0]) == 'cheap; dropped="dear: dearer"'


def test_auto_takes_the_cheapest_that_can_do_what_is_needed_and_says_what_was_dropped():
    route = routed(model("plain", cost=1), model("handy", cost=9, can="tools"), tools=[TOOL])

    assert route.explained(route.candidates[0]) == 'handy; dropped="plain: tools"'


def test_auto_keeps_to_the_models_of_the_key():
    route = routed(model("a", cost=1), model("b", cost=2), allowed=("b",))

    assert route.candidates[0].model.public_id == "b"
    assert route.dropped == {"a": "not allowed for this key"}


def test_auto_skips_a_model_whose_breaker_is_open():
    sick = upstream(7)
    route = routed(
        model("cheap", cost=1, upstreams=(sick,)),
        model("dear", cost=9),
        blocked={sick.id: 3.0},
    )

    assert route.candidates[0].model.public_id == "dear"
    assert route.dropped == {"cheap": "not healthy"}


def test_what_may_cost_more_than_the_hold_does_not_stand_in():
    route = routed(model("cheap", cost=1), model("dear", cost=9))

    assert {way.model.public_id for way in route.candidates} == {"cheap"}
    assert route.dropped == {"dear": "dearer"}


def test_auto_passes_over_a_model_whose_context_is_too_short():
    question = [{"role": "user", "content": "word " * 1000}]
    route = routed(model("short", cost=1), model("long", cost=9, context=9000), messages=question)

    assert route.explained(route.candidates[0]) == 'long; dropped="short: context length"'


def test_what_is_too_long_for_every_model_is_told_in_the_words_that_clients_shorten_by():
    question = [{"role": "user", "content": "word " * 1000}]
    models = model("short", cost=1), model("shorter", cost=9, context=500)

    with pytest.raises(InvalidRequest, match=r"^prompt is too long: 12\d\d tokens > 1000 maximum$"):
        routed(*models, messages=question)


def test_no_other_model_stands_in_where_the_hold_was_made_by_the_firsts_own_count():
    route = routed(
        model("first", cost=1, upstreams=(upstream(1), upstream(2))), model("second", cost=1)
    )

    alone = route.of_one_model()

    assert [way.upstream.id for way in alone.candidates] == [
        way.upstream.id for way in route.candidates if way.model.public_id == "first"
    ]
    assert len(alone.candidates) == 2
    assert alone.dropped == {"second": "too near the balance"}


def test_a_model_that_no_upstream_can_be_asked_about_is_named_with_the_reason():
    route = routed(
        model("first", cost=1, upstreams=(upstream(1), upstream(2))), model("second", cost=1)
    )

    assert route.beginning_with(1).dropped == {}
    last = route.beginning_with(2)
    assert [way.model.public_id for way in last.candidates] == ["second"]
    assert last.explained(last.candidates[0]) == 'second; dropped="first: format"'


def test_who_stands_in_for_another_is_named_with_it():
    route = routed(model("first", cost=1), model("second", cost=1))

    first, second = route.candidates
    assert route.explained(first) == first.model.public_id
    assert route.explained(second) == (
        f'{second.model.public_id}; dropped="{first.model.public_id}: failed"'
    )


@pytest.mark.parametrize("to", [router.AUTO, "only"])
def test_when_every_breaker_is_open_the_error_says_when_the_first_may_be_asked(to: str):
    rows = (upstream(7), upstream(8))
    only = model("only", cost=1, upstreams=rows)

    with pytest.raises(UpstreamUnavailable) as raised:
        routed(only, to=to, blocked={7: 8.2, 8: 2.5})

    assert raised.value.retry_after_s == 3


def test_max_tokens_is_lowered_to_what_the_model_can():
    assert routed(model("a", cost=1)).candidates[0].max_tokens == 100


def test_upstreams_go_by_priority_without_those_whose_breaker_is_open():
    rows = (upstream(1, priority=1), upstream(2), upstream(3, priority=2))
    one = model("a", cost=1, upstreams=rows, auto=False)

    well = routed(one, to="a").candidates
    blocked = routed(one, to="a", blocked={2: 5.0}).candidates

    assert [way.upstream.id for way in well] == [2, 1, 3]
    assert [way.upstream.id for way in blocked] == [1, 3]


def test_equal_priorities_share_calls_by_their_weights():
    one = model("a", cost=1, upstreams=(upstream(1, weight=3), upstream(2, weight=1)), auto=False)

    first = Counter(
        routed(one, to="a", seed=seed).candidates[0].upstream.id for seed in range(2000)
    )

    assert 1400 <= first[1] <= 1600


@pytest.mark.parametrize(
    ("models", "asked", "error"),
    [
        ((model("a", cost=1),), {"to": "b"}, ModelNotFound),
        ((model("a", cost=None),), {"to": "a"}, ModelNotFound),
        ((model("a", cost=1),), {"to": "a", "allowed": ("b",)}, PermissionDenied),
        ((model("a", cost=1),), {"to": "a", "tools": [TOOL]}, InvalidRequest),
        ((model("a", cost=1),), {"tools": [TOOL]}, InvalidRequest),
        ((model("a", cost=1),), {"allowed": ("b",)}, PermissionDenied),
        ((), {}, UpstreamUnavailable),
        ((model("a", cost=None),), {}, UpstreamUnavailable),
        (
            (model("a", cost=1, upstreams=(upstream(1, secret="NOT_SET_ANYWHERE"),)),),
            {"to": "a"},
            UpstreamUnavailable,
        ),
    ],
)
def test_what_cannot_be_routed_is_refused(models, asked, error: type[GatewayError]):
    with pytest.raises(error):
        routed(*models, **asked)
