"""A caller looks up the models and the credits."""

from urllib.parse import quote

import pytest

from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import after_release, says
from tests.support.scripted_catalogue import DIALECTS, OTHER_MESSAGES
from tests.support.scripted_upstream import ScriptedUpstream

OFFERED = [
    "caicaini/swift",
    "scripted/messages",
    "scripted/chat",
    "scripted/able",
    "scripted/frail",
    "scripted/sturdy",
    "scripted/unreachable",
    "scripted/nameless",
    "scripted/deaf",
    "scripted/plaintext",
    "scripted/first-is-dead",
    "scripted/two",
    "scripted/chat-first",
    "scripted/long",
    "scripted/long-chat",
    "scripted/priced",
    "scripted/priced-chat",
    "scripted/helper",
    *(f"scripted/{name}" for name in (OTHER_MESSAGES, *DIALECTS)),
    "scripted/open",
    "scripted/tools",
    "anthropic/claude-sonnet",
    "scripted/dearest",
    "scripted/retiring",
]


def ids_of(customer: Customer, query: str = "") -> list[str]:
    listed = customer.caller.get(f"/v1/models{query}").json()
    return [model["id"] for model in listed["data"]]


def test_the_list_has_every_model_that_can_be_called(customer: Customer) -> None:
    listed = customer.caller.get("/v1/models?limit=100").json()

    assert [model["id"] for model in listed["data"]] == OFFERED
    assert listed["has_more"] is False
    assert (listed["first_id"], listed["last_id"]) == (OFFERED[0], OFFERED[-1])


def test_a_model_is_described_as_clients_expect(customer: Customer) -> None:
    model = customer.caller.get("/v1/models/caicaini/swift").json()

    assert model.pop("created_at").endswith("Z")
    assert not any(one["supported"] for one in model.pop("capabilities").values())
    assert model == {
        "id": "caicaini/swift",
        "type": "model",
        "display_name": "Caicaini Swift",
        "lifecycle": "active",
        "max_input_tokens": 8192,
        "max_tokens": 2048,
        "credits_per_million_tokens": {
            "input": 100_000,
            "output": 450_000,
            "cache_write": 125_000,
            "cache_read": 10_000,
        },
    }


def test_the_price_that_is_shown_is_the_one_in_force(customer: Customer) -> None:
    model = customer.caller.get("/v1/models/scripted/messages").json()

    assert model["credits_per_million_tokens"]["output"] == 2_000_000


@pytest.mark.parametrize("path", ["scripted/messages", quote("scripted/messages", safe="")])
def test_a_models_name_may_have_a_slash(customer: Customer, path: str) -> None:
    answer = customer.caller.get(f"/v1/models/{path}")

    assert answer.json()["id"] == "scripted/messages"
    assert answer.json()["capabilities"]["tools"]["supported"]


UNCALLABLE = [
    "nothing",
    "scripted/without-price",
    "scripted/priced-later",
    "scripted",
    "a/b",
    "%00",
    "%0A",
    "a%0D%0Ab",
]


@pytest.mark.parametrize("name", UNCALLABLE)
def test_a_model_that_cannot_be_called_is_not_found(customer: Customer, name: str) -> None:
    answer = customer.caller.get(f"/v1/models/{name}")

    assert answer.status == 404
    assert answer.error["type"] == "not_found_error"
    assert answer.error["details"]["error_code"] == "model_not_found"


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(OFFERED) - 1, len(OFFERED)])
def test_pages_follow_one_another_to_the_end(customer: Customer, size: int) -> None:
    seen: list[str] = []
    query = f"?limit={size}"
    for _ in range(len(OFFERED) + 1):
        page = customer.caller.get(f"/v1/models{query}").json()
        seen += [model["id"] for model in page["data"]]
        if not page["has_more"]:
            break
        query = f"?limit={size}&after_id={quote(page['last_id'])}"

    assert not page["has_more"], "the pages never end"
    assert seen == OFFERED


def test_pages_go_backwards_too(customer: Customer) -> None:
    page = customer.caller.get(f"/v1/models?limit=2&before_id={OFFERED[4]}").json()

    assert [model["id"] for model in page["data"]] == OFFERED[2:4]
    assert page["has_more"] is True
    assert ids_of(customer, f"?limit=2&before_id={OFFERED[1]}") == OFFERED[:1]


def test_a_page_after_the_last_or_after_an_unknown_one_ends(customer: Customer) -> None:
    """A list that answered with its beginning and `has_more` would be read for ever."""
    last = customer.caller.get(f"/v1/models?after_id={OFFERED[-1]}").json()

    assert last == {"data": [], "has_more": False, "first_id": None, "last_id": None}
    assert customer.caller.get("/v1/models?limit=100&after_id=gone").json()["has_more"] is False


LIMITS = ["0", "-1", "1001", "ten", "1.5", "", "\uff11", "00099999", "9" * 5000, "00001" * 1000]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("lifecycle[]=active", OFFERED[:-1]),
        ("lifecycle[]=deprecated&lifecycle[]=active", OFFERED),
        ("lifecycle[]=deprecated", ["scripted/retiring"]),
        ("lifecycle%5B%5D=retired&lifecycle%5B%5D=deprecated", ["scripted/retiring"]),
        ("lifecycle%5B%5D=retired", []),
    ],
)
def test_models_can_be_listed_by_their_life_cycle(
    customer: Customer, query: str, ids: list[str]
) -> None:
    assert ids_of(customer, f"?limit=100&{query}") == ids


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_that_is_none_is_refused(customer: Customer, limit: str) -> None:
    answer = customer.caller.get(f"/v1/models?limit={quote(limit)}")

    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["message"].startswith("limit: ")


def test_a_key_for_some_models_sees_only_those(new_customer: NewCustomer) -> None:
    customer = new_customer(allowed_models=("scripted/chat",))

    assert ids_of(customer) == ["scripted/chat"]
    assert customer.caller.get("/v1/models/scripted/chat").status == 200
    assert customer.caller.get("/v1/models/scripted/messages").status == 404


def test_the_credits_say_what_is_left_and_what_is_held(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=5000)
    script = upstream.script(after_release(says()))
    call = customer.begin(script.prompt)
    script.wait_for_request()
    held = customer.wallet().held

    during = customer.caller.get("/v1/credits").json()

    assert during["object"] == "credits"
    assert during["pool"] == "api"
    assert (during["available"], during["held"]) == (5000 - held, held)
    assert during["available"] + during["held"] == during["posted"]
    script.release()
    call.answer()
    after = customer.caller.get("/v1/credits").json()
    assert (after["available"], after["held"]) == (5000 - 60, 0)


def test_a_page_is_also_there_without_its_body(customer: Customer) -> None:
    answer = customer.caller.call("HEAD", "/v1/models").response

    assert answer.status == 200
    assert answer.headers["request-id"]


def test_an_announced_retirement_is_described_as_sdks_know_it(customer: Customer) -> None:
    model = customer.caller.get("/v1/models/scripted/retiring").json()

    assert model["lifecycle"] == "deprecated"
    assert model["retires_at"] == "2099-03-31T00:00:00Z"


def test_a_model_is_retired_from_the_beginning_of_its_day(customer: Customer) -> None:
    answer = customer.ask("Hello.", model="scripted/retired")

    assert answer.status == 404
    assert answer.json()["error"]["details"]["error_code"] == "model_not_found"
    assert customer.caller.get("/v1/models/scripted/retired").status == 404
