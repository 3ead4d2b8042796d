"""A caller splits usage by tag, session, time zone and page: nothing is lost or counted twice."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from tests.support.api_description import Description
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import answers, message, says, usage
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually
from usage import roll_up

ASKED = ("team:web,repo:a", "team:web", "", "repo:a")


def report(customer: Customer, **params: str) -> dict[str, Any]:
    answer = customer.caller.get(f"/v1/usage?{urlencode(params)}")
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture
def tagged(new_customer: NewCustomer, upstream: ScriptedUpstream) -> Customer:
    """A customer with tagged calls of two sessions, and one that was refused."""
    customer = new_customer()
    for number, tags in enumerate(ASKED):
        script = upstream.script(answers(message(usage=usage(14, 10 * number))))
        headers = {"x-claude-code-session-id": f"session-{number % 2}", "caicaini-tags": tags}
        assert customer.caller.ask(script.prompt, headers=headers).status == 200
    return customer


@pytest.mark.parametrize("is_rolled_up", [False, True])
def test_tags_add_up_to_more_than_the_total_by_the_calls_that_have_two(
    tagged: Customer, description: Description, is_rolled_up: bool
) -> None:
    if is_rolled_up:
        roll_up.roll_up()
    answer = tagged.caller.get("/v1/usage?group_by=tag")

    description.assert_answer_fits(answer, "getUsage")
    body = answer.json()
    calls = Counter({row["tag"]: row["requests"] for row in body["data"]})
    assert calls == {"team:web": 2, "repo:a": 2, None: 1}
    assert body["total"]["requests"] == len(ASKED)
    assert body["total"]["credits_consumed"] == sum(tagged.charges())
    twice = tagged.charges()[0]
    summed = sum(row["credits_consumed"] for row in body["data"])
    assert summed == body["total"]["credits_consumed"] + twice


def test_sessions_add_up_to_the_ledger(tagged: Customer) -> None:
    rows = report(tagged, group_by="session")["data"]

    assert {row["session_id"]: row["requests"] for row in rows} == {"session-0": 2, "session-1": 2}
    assert sum(row["credits_consumed"] for row in rows) == sum(tagged.charges())


@pytest.mark.parametrize("bucket", ["15m", "1h", "1d", "1mo"])
def test_every_bucket_adds_up_to_the_ledger(
    tagged: Customer, description: Description, bucket: str
) -> None:
    answer = tagged.caller.get(f"/v1/usage?bucket={bucket}&time_zone=Asia/Kathmandu")

    description.assert_answer_fits(answer, "getUsage")
    body = answer.json()
    assert body["time_zone"] == "Asia/Kathmandu"
    assert sum(row["credits_consumed"] for row in body["data"]) == sum(tagged.charges())


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"])
def test_days_begin_at_midnight_of_the_time_zone(tagged: Customer, zone: str) -> None:
    for row in report(tagged, time_zone=zone)["data"]:
        starts_at = datetime.fromisoformat(row["starts_at"]).astimezone(ZoneInfo(zone))
        assert (starts_at.hour, starts_at.minute) == (0, 0)
        assert starts_at.date() == datetime.now(UTC).astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize("group_by", ["model,key", "tag", "session"])
@pytest.mark.parametrize("limit", ["1", "2", "3"])
def test_pages_have_every_row_once(
    tagged: Customer, upstream: ScriptedUpstream, group_by: str, limit: str
) -> None:
    tagged.caller.ask(upstream.script(says()).prompt, model="scripted/able")
    span = {"to": datetime.now(UTC).isoformat(), "group_by": group_by}
    whole = report(tagged, **span)["data"]

    page, seen = report(tagged, limit=limit, **span), []
    while True:
        assert len(page["data"]) <= int(limit)
        seen += page["data"]
        if not page["has_more"]:
            break
        # A call between two pages changes no row that was seen.
        page = report(tagged, limit=limit, cursor=page["next_cursor"], group_by=group_by)

    assert seen == whole
    assert page["next_cursor"] is None


def test_a_page_keeps_the_range_of_the_page_before(tagged: Customer) -> None:
    first = report(tagged, limit="1", group_by="session")

    second = report(tagged, limit="1", group_by="session", cursor=first["next_cursor"])

    assert (second["from"], second["to"]) == (first["from"], first["to"])


@pytest.mark.parametrize("group_by", ["tag,model", "session,key", "tag,session"])
def test_tags_and_sessions_stand_alone(customer: Customer, group_by: str) -> None:
    answer = customer.caller.get(f"/v1/usage?group_by={group_by}")

    assert answer.status == 400
    assert answer.error["message"].startswith("group_by: ")


def test_refused_calls_are_counted_and_cost_nothing(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    assert customer.ask("Hello", max_tokens=None).status == 400

    def counted() -> Any:
        rows = report(customer)["data"]
        return [(row["requests"], row["refusals"], row["errors"]) for row in rows] == [(1, 1, 1)]

    eventually(counted, what="the refused call")
    assert report(customer)["data"][0]["credits_consumed"] == 0


def test_without_a_range_it_is_as_long_as_the_bucket_suggests(customer: Customer) -> None:
    lengths = {"15m": timedelta(hours=6), "1h": timedelta(days=1), "1mo": timedelta(days=366)}
    for bucket, length in lengths.items():
        body = report(customer, bucket=bucket)
        since, until = (datetime.fromisoformat(body[name]) for name in ("from", "to"))
        assert until - since == length
