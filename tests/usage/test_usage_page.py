"""A person looks at their workspace's usage."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User, Workspace
from keys import services
from tests.support import people
from tests.support.reading import Answer, text_of
from tests.support.request_records import a_record, spread, write
from usage import roll_up
from usage.models import Ending


def rows_of(answer: Answer) -> list[str]:
    """Return the text of each row of the table of calls."""
    body = answer.content.decode().partition("Latest requests")[2].partition("<tbody>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]


def see(browser: Client, query: str = "") -> HttpResponse:
    answer = browser.get(f"/developers/usage{query}")
    assert isinstance(answer, HttpResponse)
    assert answer.status_code == 200
    return answer


def test_a_call_shows_with_its_details_and_cost(
    browser: Client, person: User, workspace: Workspace
) -> None:
    key = services.mint(workspace=workspace, name="Website", created_by=person).key
    call = a_record(
        workspace,
        key_id=key.pk,
        input_tokens=10,
        cache_read_input_tokens=4,
        is_stream=True,
        duration_ms=1234,
    )
    write(call)

    page = see(browser)

    [row] = rows_of(page)
    named = "200 end_turn auto → swift Website"
    assert f"{named} 14 28.6% 23 50 ms 1.23 s 12 $0.00012" in row
    assert f"{call.accepted_at:%-d %b %H:%M:%S}" in row


def test_how_a_call_ended_is_named(browser: Client, workspace: Workspace) -> None:
    write(
        a_record(workspace, status=500, error_type="api_error", ending=Ending.FAILED, credits=0),
        a_record(workspace, ending=Ending.CALLER_LEFT, source="console"),
    )

    rows = rows_of(see(browser))

    assert any("500 api_error" in row for row in rows)
    assert any("200 Caller left" in row and "Console" in row for row in rows)


def test_the_tiles_add_up_what_is_rolled_up_and_what_is_not(
    browser: Client, workspace: Workspace
) -> None:
    hour = timezone.now() - timedelta(hours=3)
    spread(workspace, [hour, hour], credits=1_000)
    roll_up.roll_up()
    spread(workspace, [timezone.now()], credits=600, error_type="api_error", status=500)

    text = text_of(see(browser))

    assert "Credits spent 2,600 $0.03" in text
    assert "Requests 3" in text
    assert "Tokens 111" in text
    assert "Errors 33.3% 1" in text
    assert "Latency p50 0.18 s p95 0.20 s" in text


@pytest.mark.parametrize(
    ("query", "seen"), [("", 3), ("?range=24h", 1), ("?range=7d", 2), ("?range=30d", 3)]
)
def test_a_range_shows_its_calls_alone(
    browser: Client, workspace: Workspace, query: str, seen: int
) -> None:
    now = timezone.now()
    spread(workspace, [now - timedelta(days=days, minutes=1) for days in (0, 2, 20, 40)])

    page = see(browser, query)

    assert len(rows_of(page)) == seen
    assert f"Requests {seen}" in text_of(page)


def test_somebody_elses_calls_do_not_show(browser: Client, workspace: Workspace) -> None:
    write(a_record(workspace))
    stranger = people.browser_of(people.new_person())

    page = see(stranger)

    assert "Requests 0" in text_of(page)
    assert rows_of(page) == []


def test_without_calls_the_page_has_one_to_make(browser: Client) -> None:
    text = text_of(see(browser))

    assert "No calls in these 30 days" in text
    assert "/v1/messages" in text


def test_a_poll_brings_the_fragment_only_when_something_has_changed(
    browser: Client, workspace: Workspace
) -> None:
    script = {"hx-request": "true"}
    page = see(browser).content.decode()
    version = re.findall(r"developers/usage\?&amp;shown=([0-9a-f]+)", page)[0]

    unchanged = browser.get(f"/developers/usage?shown={version}", headers=script)
    write(a_record(workspace))
    changed = browser.get(f"/developers/usage?shown={version}", headers=script)

    assert unchanged.status_code == 204
    assert b"<html" not in changed.content
    assert len(rows_of(changed)) == 1


def test_a_poll_brings_the_days_of_a_time_zone_that_was_just_detected(
    browser: Client, person: User, workspace: Workspace
) -> None:
    """Also where the figures are the same."""
    page = see(browser).content.decode()
    version = re.findall(r"developers/usage\?&amp;shown=([0-9a-f]+)", page)[0]
    User.objects.filter(pk=person.pk).update(time_zone="Asia/Kathmandu")

    changed = browser.get(f"/developers/usage?shown={version}", headers={"hx-request": "true"})

    assert "Kathmandu time" in text_of(changed)


def test_a_page_reads_once_since_when_records_are_kept(
    browser: Client, workspace: Workspace
) -> None:
    write(a_record(workspace))

    with CaptureQueriesContext(connection) as queries:
        see(browser, "?compare=1")

    asked = [one for one in queries if "usage_recordretention" in one["sql"]]
    assert len(asked) == 1


def test_a_poll_of_somebody_who_has_signed_out_leads_nowhere() -> None:
    answer = Client().get("/developers/usage?shown=0.0", headers={"hx-request": "true"})

    assert answer.status_code == 401
    assert "HX-Refresh" not in answer


def test_a_keys_spending_this_month_is_shown_beside_it(
    browser: Client, person: User, workspace: Workspace
) -> None:
    key = services.mint(workspace=workspace, name="Website", created_by=person).key
    last_month = timezone.now().replace(day=1, hour=0, minute=0, second=0) - timedelta(seconds=1)
    spread(workspace, [timezone.now()], key_id=key.pk, credits=4_321)
    spread(workspace, [last_month], key_id=key.pk, credits=1_000_000)
    roll_up.roll_up()

    text = text_of(browser.get("/developers/keys"))

    assert "4,321" in text
    assert "1,004,321" not in text
