"""A program reads the balance: how long it lasts, and whether it has changed."""

from datetime import datetime, timedelta

from django.utils import timezone

from tests.support.api_description import Description
from tests.support.callers import Caller
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream
from usage import roll_up
from usage.burn import quarter_of


def test_it_says_how_fast_credits_are_spent_and_until_when_they_last(
    new_customer: NewCustomer, upstream: ScriptedUpstream, description: Description
) -> None:
    customer = new_customer(credits=20_000)
    customer.ask(upstream.script(says()).prompt)
    [charge] = customer.charges()
    roll_up.roll_up()

    before = quarter_of(timezone.now())
    answer = customer.caller.get("/v1/credits")
    after = quarter_of(timezone.now())

    description.assert_answer_fits(answer, "getCredits")
    body = answer.json()
    assert body["burn_per_hour"] == charge == 60
    minutes = 60 * body["available"] // body["burn_per_hour"]
    runs_dry_at = datetime.fromisoformat(body["runs_dry_at"])
    assert runs_dry_at in {quarter + timedelta(minutes=minutes) for quarter in (before, after)}


def test_without_calls_nothing_runs_dry(customer: Customer, description: Description) -> None:
    answer = customer.caller.get("/v1/credits")

    description.assert_answer_fits(answer, "getCredits")
    assert answer.json()["burn_per_hour"] == 0
    assert answer.json()["runs_dry_at"] is None
    assert answer.headers["cache-control"] == "private, no-cache"


def test_an_answer_that_a_client_has_is_not_sent_again(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    caller = customer.caller
    first = caller.get("/v1/credits")
    tag = str(first.headers["etag"])

    again = [
        caller.get("/v1/credits", {"if-none-match": names})
        for names in (tag, f"W/{tag}", f'"other", {tag}', "*")
    ]
    customer.ask(upstream.script(says()).prompt)
    changed = caller.get("/v1/credits", {"if-none-match": tag})

    for answer in again:
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"] == tag
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["request-id"].startswith("req_")
        assert answer.headers["access-control-allow-origin"] == "*"
    assert changed.status == 200
    assert changed.headers["etag"] != tag


def test_another_tag_gets_the_whole_answer(customer: Customer) -> None:
    answer = customer.caller.get("/v1/credits", {"if-none-match": '"other", W/"more"'})

    assert answer.status == 200
    assert answer.json()["available"] == 1_000_000


def test_tags_of_two_workspaces_with_other_balances_differ(new_customer: NewCustomer) -> None:
    one, other = new_customer(credits=1), new_customer(credits=2)

    tags = [customer.caller.get("/v1/credits").headers["etag"] for customer in (one, other)]

    assert tags[0] != tags[1]


def test_a_stranger_is_refused(customer: Customer) -> None:
    assert Caller(customer.url, None).get("/v1/credits", {"if-none-match": "*"}).status == 401
