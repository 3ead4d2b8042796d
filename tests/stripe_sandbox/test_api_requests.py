"""Rules for every API request: keys, versions, errors, pagination, search, expansion."""

import http.client

import pytest
import stripe

from stripe_sandbox.client import Sandbox
from stripe_sandbox.server import SandboxServer
from stripe_sandbox.settings import API_VERSION
from tests.stripe_sandbox.library import Checkout, library, request_id, response


def test_the_account_answers(api: stripe.StripeClient) -> None:
    account = api.v1.accounts.retrieve_current()

    assert account.id.startswith("acct_")
    assert account.default_currency == "usd"


def test_the_pinned_version_is_the_librarys(api: stripe.StripeClient) -> None:
    account = api.v1.accounts.retrieve_current()

    assert stripe.api_version == API_VERSION
    assert response(account).headers["Stripe-Version"] == API_VERSION
    assert request_id(account).startswith("req_")


def test_another_version_is_refused(server: SandboxServer) -> None:
    old = library(server, stripe_version="2020-08-27")

    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version: 2020-08-27"):
        old.v1.accounts.retrieve_current()


def test_a_wrong_key_is_refused(server: SandboxServer) -> None:
    other = stripe.StripeClient("sk_test_wrong", base_addresses={"api": server.url})

    with pytest.raises(stripe.AuthenticationError) as caught:
        other.v1.customers.list()

    assert caught.value.http_status == 401
    assert "sk_test_wrong" not in str(caught.value)


def test_no_key_is_refused_and_basic_authentication_is_accepted(server: SandboxServer) -> None:
    address = server.url.removeprefix("http://")
    answers = []
    # curl -u sk_test_sandbox: sends the key as the user's name
    for headers in ({}, {"Authorization": "Basic c2tfdGVzdF9zYW5kYm94Og=="}):
        connection = http.client.HTTPConnection(address)
        connection.request("GET", "/v1/customers", headers=headers)
        answers.append(connection.getresponse().status)
        connection.close()

    assert answers == [401, 200]


def test_what_does_not_exist_is_missing(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.charges.retrieve("ch_nowhere")

    assert caught.value.http_status == 404
    assert caught.value.code == "resource_missing"
    assert caught.value.param == "id"
    assert caught.value.user_message == "No such charge: 'ch_nowhere'"


def test_an_object_of_another_kind_is_missing(api: stripe.StripeClient) -> None:
    customer = api.v1.customers.create()

    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        api.v1.charges.retrieve(customer.id)


def test_an_unknown_url_is_a_404_that_names_it(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as caught:
        api.raw_request("get", "/v1/nowhere")

    assert caught.value.http_status == 404


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"address": {"city": "Oslo"}}, "parameter_unknown", "address"),
        ({"metadata": {"key": "x" * 501}}, None, "metadata"),
        ({"email": {"a": "b"}}, None, "email"),
    ],
)
def test_parameters_are_checked(
    api: stripe.StripeClient, params: dict[str, object], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.create(params)  # type: ignore[arg-type]

    assert caught.value.http_status == 400
    assert (caught.value.code, caught.value.param) == (code, param)
    assert api.v1.customers.list().data == []


def test_customers_are_found_by_address_and_metadata(api: stripe.StripeClient) -> None:
    ada = api.v1.customers.create(
        {"email": "ada@b.example", "name": "Ada", "metadata": {"workspace": "41"}}
    )
    api.v1.customers.create({"email": "bob@b.example", "metadata": {"workspace": "42"}})

    assert [one.id for one in api.v1.customers.list({"email": "ada@b.example"}).data] == [ada.id]
    for query in (
        "metadata['workspace']:'41'",
        'email:"ada@b.example" AND created>0',
        "name~'ad'",
        "-metadata['workspace']:'42'",
        "email:'nobody' OR name:'Ada'",
        "-name:null",
    ):
        assert [one.id for one in api.v1.customers.search({"query": query}).data] == [ada.id], query


@pytest.mark.parametrize(
    "query", ["", "email", "email:'a' AND", "shoe:'9'", "email:'a' AND name:'b' OR name:'c'"]
)
def test_an_invalid_search_query_is_refused(api: stripe.StripeClient, query: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.search({"query": query})

    assert caught.value.param == "query"


def test_searches_are_paginated(api: stripe.StripeClient) -> None:
    made = [api.v1.customers.create({"name": "Ada"}).id for _ in range(5)]

    found = api.v1.customers.search({"query": "name:'Ada'", "limit": 2})

    assert found.has_more
    assert [one.id for one in found.auto_paging_iter()] == made[::-1]


def test_customers_are_updated(api: stripe.StripeClient) -> None:
    made = api.v1.customers.create({"email": "a@b.example", "metadata": {"a": "1", "b": "2"}})

    api.v1.customers.update(made.id, {"email": "c@d.example", "metadata": {"a": "", "c": "3"}})
    now = api.v1.customers.retrieve(made.id)

    assert now.email == "c@d.example"
    assert now.metadata is not None
    assert now.metadata.to_dict() == {"b": "2", "c": "3"}


def test_lists_are_paginated_both_ways(api: stripe.StripeClient) -> None:
    made = [api.v1.customers.create().id for _ in range(5)][::-1]  # the newest first

    first = api.v1.customers.list({"limit": 2})
    second = api.v1.customers.list({"limit": 2, "starting_after": made[1]})
    last = api.v1.customers.list({"limit": 2, "starting_after": made[3]})
    back = api.v1.customers.list({"limit": 2, "ending_before": made[4]})

    assert [one.id for one in first.data] == made[:2]
    assert [one.id for one in second.data] == made[2:4]
    assert [one.id for one in last.data] == made[4:]
    assert [one.id for one in back.data] == made[2:4]
    assert [page.has_more for page in (first, second, last, back)] == [True, True, False, True]
    assert [one.id for one in first.auto_paging_iter()] == made


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_has_1_to_100(api: stripe.StripeClient, limit: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.list({"limit": limit})

    assert caught.value.param == "limit"


def test_lists_are_filtered_by_time(api: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.set_clock(-40 * 86_400)
    old = api.v1.customers.create()
    sandbox.set_clock(0)
    new = api.v1.customers.create()
    line = new.created - 35 * 86_400

    since = api.v1.customers.list({"created": {"gte": line}})
    before = api.v1.customers.list({"created": {"lt": line}})
    exactly = api.v1.customers.list({"created": old.created})

    assert [one.id for one in since.data] == [new.id]
    assert [one.id for one in before.data] == [one.id for one in exactly.data] == [old.id]


def test_references_are_expanded(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    customer = api.v1.customers.create({"email": "a@b.example"})
    session = checkout(customer=customer.id)
    sandbox.pay(session.id)

    found = api.v1.checkout.sessions.retrieve(
        session.id,
        {
            "expand": [
                "line_items",
                "customer",
                "payment_intent.latest_charge.balance_transaction",
                "payment_intent.latest_charge.refunds",
            ]
        },
    )

    intent = found.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert intent.latest_charge.refunds is not None
    assert isinstance(found.customer, stripe.Customer)
    assert found.line_items is not None
    assert [item.description for item in found.line_items.data] == ["2,000,000 apiCredits"]
    listed = api.v1.checkout.sessions.list({"expand": ["data.payment_intent"]}).data[0]
    assert isinstance(listed.payment_intent, stripe.PaymentIntent)


@pytest.mark.parametrize("path", ["amount", "payment_intent.amount", "a.b.c.d.e"])
def test_only_references_can_be_expanded(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout, path: str
) -> None:
    charge = sandbox.pay(checkout().id)["intent"]["latest_charge"]

    with pytest.raises(stripe.InvalidRequestError, match="expand"):
        api.v1.charges.retrieve(charge, {"expand": [path]})


def test_the_sandboxs_own_keys_are_not_shown(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    """Metadata keys with an underscore are not the sandbox's own, and are shown."""
    session = checkout(metadata={"_mine": "kept"})
    sandbox.pay(session.id)

    shown = api.v1.checkout.sessions.retrieve(session.id).to_dict()

    assert shown["metadata"] == {"_mine": "kept"}
    assert [key for key in shown if key.startswith("_")] == []


def test_every_request_is_logged(api: stripe.StripeClient, sandbox: Sandbox) -> None:
    api.v1.customers.create({"email": "a@b.example"}, {"idempotency_key": "key-1"})

    entry = sandbox.requests()[-1]

    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/v1/customers", 200)
    assert entry["params"] == {"email": "a@b.example"}
    assert entry["idempotency_key"] == "key-1"
    assert entry["api_version"] == API_VERSION
