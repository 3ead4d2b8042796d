"""A person goes through the log of calls: filters, pages, and the live tail."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import uuid_utils.compat as uuid_utils
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User, Workspace
from keys import services
from tests.support import people
from tests.support.reading import Answer, text_of
from tests.support.request_records import a_record, refused, spread, write
from usage import log_filters, request_log, roll_up
from usage.models import Ending
from usage.request_log import PAGE_SIZE

LOG = "/developers/usage/requests"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def rows_of(answer: Answer) -> list[str]:
    """Return the text of each row of the table of calls."""
    body = answer.content.decode().partition("<tbody>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]


def see(browser: Client, query: str = "", **params: Any) -> HttpResponse:
    answer = browser.get(f"{LOG}?{query.lstrip('?')}" if query else f"{LOG}?{urlencode(params)}")
    assert isinstance(answer, HttpResponse)
    assert answer.status_code == 200
    return answer


def link(answer: Answer, id: str) -> str | None:
    """Return the query of a link of the page."""
    found = re.search(rf'id="{id}"\s+href="{LOG}\?([^"]*)"', answer.content.decode())
    return found[1].replace("&amp;", "&") if found else None


def test_a_refused_call_stands_in_it_with_nothing(browser: Client, workspace: Workspace) -> None:
    refused = a_record(
        workspace,
        status=429,
        error_type="rate_limit_error",
        ending=Ending.FAILED,
        credits=0,
        input_tokens=0,
        output_tokens=0,
        refusals=1_200,
        first_byte_ms=None,
        duration_ms=4,
    )
    write(refused)

    [row] = rows_of(see(browser))

    assert "429 rate_limit_error \N{MULTIPLICATION SIGN} 1,200" in row
    assert row.endswith("4 ms 0 $0.00000")
    assert row.count("\N{EN DASH}") == 4


@pytest.fixture
def mixed(person: User, workspace: Workspace) -> dict[str, str]:
    """Calls that differ in everything; the id of the key that made the first one."""
    key = services.mint(workspace=workspace, name="Website", created_by=person).key
    write(
        a_record(workspace, key_id=key.pk, output_tokens=101, tags=("team:web", "repo:a")),
        a_record(workspace, output_tokens=102, source="console", session_id="b71e"),
        a_record(workspace, output_tokens=103, resolved_model="caicaini/atlas"),
        a_record(workspace, output_tokens=104, stop_reason="max_tokens"),
        a_record(
            workspace,
            output_tokens=105,
            status=529,
            error_type="overloaded_error",
            error_code="upstream_overloaded",
            key_id=key.pk,
        ),
        a_record(workspace, output_tokens=106, at=timezone.now() - timedelta(days=3)),
    )
    return {"key": str(key.pk)}


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ({}, {101, 102, 103, 104, 105, 106}),
        ({"range": "24h"}, {101, 102, 103, 104, 105}),
        ({"key": "{key}"}, {101, 105}),
        ({"key": "none"}, {102, 103, 104, 106}),
        ({"source": "console"}, {102}),
        ({"session": "b71e"}, {102}),
        ({"tag": "team:web"}, {101}),
        ({"tag": "team"}, set()),
        ({"q": "repo:a"}, {101}),
        ({"q": "b71e"}, {102}),
        ({"model": "caicaini/atlas"}, {103}),
        ({"stop": "max_tokens"}, {104}),
        ({"status": "ok"}, {101, 102, 103, 104, 106}),
        ({"status": "error"}, {105}),
        ({"status": "529"}, {105}),
        ({"status": "429"}, set()),
        ({"error": "upstream_overloaded"}, {105}),
        ({"key": "{key}", "status": "ok"}, {101}),
        ({"key": "{key}", "model": "caicaini/atlas"}, set()),
        ({"from": "{yesterday}"}, {101, 102, 103, 104, 105}),
        ({"to": "{yesterday}"}, {106}),
    ],
    ids=str,
)
def test_each_filter_shows_its_calls_alone(
    browser: Client, mixed: dict[str, str], asked: dict[str, str], seen: set[int]
) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    known = {**mixed, "yesterday": f"{yesterday:%Y-%m-%dT%H:%M}"}

    rows = rows_of(see(browser, **{name: text.format(**known) for name, text in asked.items()}))

    assert {int(found) for row in rows for found in re.findall(r"\b10[1-6]\b", row)} == seen


def test_filters_that_are_set_are_named_and_can_be_removed(
    browser: Client, mixed: dict[str, str]
) -> None:
    page = see(browser, key=mixed["key"], status="error", range="7d")

    text = text_of(page)
    assert "Key Website Remove" in text
    assert "Status With an error Remove" in text
    assert f'href="{LOG}?range=7d&amp;key={mixed["key"]}"' in page.content.decode()
    assert f'href="{LOG}?range=7d&amp;status=error"' in page.content.decode()


def test_a_request_id_leads_to_its_call(browser: Client, workspace: Workspace) -> None:
    call = a_record(workspace, id=uuid_utils.uuid7())
    write(call)

    found = browser.get(f"{LOG}?q=req_{call.id.hex}")
    by_script = browser.get(f"{LOG}?q=req_{call.id.hex}", headers={"hx-request": "true"})
    unknown = see(browser, q=f"req_{uuid_utils.uuid7().hex}")

    assert found["Location"] == f"{LOG}/req_{call.id.hex}"
    assert (by_script.status_code, by_script["HX-Redirect"]) == (204, found["Location"])
    assert "No call passes these filters" in text_of(unknown)


def test_a_strangers_request_id_leads_nowhere(workspace: Workspace) -> None:
    call = a_record(workspace, id=uuid_utils.uuid7())
    write(call)
    stranger = people.browser_of(people.new_person())

    page = see(stranger, q=f"req_{call.id.hex}")

    assert rows_of(page) == []
    assert "No call passes these filters" in text_of(page)


@pytest.mark.parametrize("narrow", [{}, {"model": "caicaini/swift"}])
def test_pages_lead_through_all_calls_once_newest_first(
    browser: Client, workspace: Workspace, narrow: dict[str, str]
) -> None:
    now = timezone.now()
    # Three calls share each moment: none may be lost between two pages.
    moments = [now - timedelta(seconds=number // 3) for number in range(2 * PAGE_SIZE + 3)]
    for number, moment in enumerate(moments):
        write(a_record(workspace, at=moment, output_tokens=1_000 + number))
        write(a_record(workspace, at=moment, output_tokens=7, resolved_model="other"))

    page, seen = see(browser, **narrow), list[int]()
    while True:
        found = re.findall(r"\b(1,\d{3})\b", " ".join(rows_of(page)))
        seen += [int(number.replace(",", "")) for number in found]
        older = link(page, "older")
        if older is None:
            break
        page = see(browser, older)

    assert sorted(seen) == [1_000 + number for number in range(len(moments))]
    seconds = [(number - 1_000) // 3 for number in seen]
    assert seconds == sorted(seconds)


def test_a_rare_value_is_searched_for_a_part_at_a_time(
    browser: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    spread(workspace, [now - timedelta(minutes=number) for number in range(25)])
    write(a_record(workspace, at=now - timedelta(hours=1), stop_reason="refusal"))
    monkeypatch.setattr(request_log, "SEARCHED", 10)
    monkeypatch.setattr(request_log, "NEWEST", 2)

    page, pages = see(browser, stop="refusal"), 1
    while not rows_of(page):
        assert "Older ones were not searched yet" in text_of(page)
        older = link(page, "older")
        assert older is not None
        page, pages = see(browser, older), pages + 1

    assert pages == 3
    assert "refusal" in rows_of(page)[0]
    assert link(page, "older") is None


def test_the_rest_of_a_filter_is_searched_for_a_part_at_a_time_too(
    browser: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index finds the calls with the error, however many; those of the model are among them."""
    now = timezone.now()
    monkeypatch.setattr(request_log, "SEARCHED", 10)
    monkeypatch.setattr(request_log, "NEWEST", 2)
    failed = {"error_type": "api_error", "error_code": "upstream_failed", "credits": 0}
    spread(workspace, [now - timedelta(minutes=number) for number in range(25)], **failed)
    old = now - timedelta(hours=1)
    write(a_record(workspace, at=old, stop_reason="refusal", **failed))

    page, pages = see(browser, error="upstream_failed", stop="refusal"), 1
    while not rows_of(page):
        older = link(page, "older")
        assert older is not None
        page, pages = see(browser, older), pages + 1

    assert pages == 3
    assert link(page, "older") is None


RARE: dict[str, dict[str, Any]] = {
    "model": {"resolved_model": "caicaini/rare"},
    "tag": {"tags": ("rare",)},
    "source": {"source": "console"},
    "key": {"key_id": 77},
    "status": {"status": 529, "error_type": "overloaded_error", "error_code": "overloaded"},
    "error": {"status": 529, "error_type": "overloaded_error", "error_code": "overloaded"},
    "session": {"session_id": "rare"},
}
ASKED = {
    "model": "caicaini/rare",
    "tag": "rare",
    "source": "console",
    "key": "77",
    "status": "error",
    "error": "overloaded",
    "session": "rare",
}


@pytest.mark.parametrize("is_rolled_up", [True, False])
@pytest.mark.parametrize("name", RARE)
def test_a_rare_value_is_found_at_once_however_many_calls_are_newer(
    browser: Client,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    is_rolled_up: bool,
) -> None:
    """Roll-ups know the days that have it; hours that are not rolled up yet are searched."""
    now = timezone.now()
    monkeypatch.setattr(request_log, "SEARCHED", 10)
    monkeypatch.setattr(request_log, "NEWEST", 2)
    spread(workspace, [now - timedelta(hours=number) for number in range(36)])
    usual = {"key_id": None, "credits": 5, "output_tokens": 4_321}
    write(a_record(workspace, at=now - timedelta(days=9), **usual | RARE[name]))
    if is_rolled_up:
        roll_up.roll_up()

    page, pages = see(browser, **{name: ASKED[name]}), 1
    while not rows_of(page) and (older := link(page, "older")):
        page, pages = see(browser, older), pages + 1

    assert "4,321" in rows_of(page)[0]
    if is_rolled_up or name in ("error", "session"):
        assert pages == 1


@pytest.mark.parametrize("kind", ["model", "tag", "error", "session"])
def test_values_that_no_recent_call_has_can_be_chosen(
    browser: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    now = timezone.now()
    monkeypatch.setattr(request_log, "_SEEN_IN", 3)
    spread(workspace, [now - timedelta(minutes=number) for number in range(5)])
    write(a_record(workspace, at=now - timedelta(days=9), **RARE[kind]))
    roll_up.roll_up()

    page = see(browser).content.decode()

    choice = re.search(rf'<select id="log-{kind}".*?</select>', page, re.DOTALL)
    assert choice
    assert f'<option value="{ASKED[kind]}">' in choice[0]


def test_what_no_call_of_the_range_has_is_not_searched_for(
    browser: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "SEARCHED", 3)
    monkeypatch.setattr(request_log, "NEWEST", 2)
    spread(workspace, [timezone.now() - timedelta(minutes=number) for number in range(9)])
    roll_up.roll_up()

    page = see(browser, model="nothing")

    assert "No call passes these filters" in text_of(page)
    assert link(page, "older") is None


@pytest.mark.parametrize("is_rolled_up", [False, True])
@pytest.mark.parametrize(
    ("asked", "total"),
    [
        ({}, "17 calls, 52 credits"),
        ({"range": "24h"}, "16 calls, 40 credits"),
        ({"key": "{key}"}, "2 calls, 24 credits"),
        ({"key": "none", "source": "console"}, "1 call, 12 credits"),
        ({"model": "caicaini/atlas"}, "1 call, 4 credits"),
        ({"session": "b71e"}, "1 call, 12 credits"),
        ({"tag": "team:web"}, "1 call, 12 credits"),
        ({"status": "error"}, "12 calls"),
        ({"status": "ok"}, "5 calls"),
        ({"error": "rate_limited"}, "11 calls"),
        ({"error": "upstream_overloaded", "key": "{key}"}, "1 call"),
        ({"model": "nothing"}, "0 calls, 0 credits"),
        ({"stop": "max_tokens"}, ""),
        ({"status": "529"}, ""),
        ({"tag": "team:web", "model": "caicaini/swift"}, ""),
        ({"error": "rate_limited", "session": "b71e"}, ""),
        ({"from": "2026-06-15T12:00", "to": "2026-06-14T12:00"}, ""),
    ],
    ids=str,
)
def test_it_says_how_many_calls_pass_a_filter_where_roll_ups_know(
    browser: Client,
    person: User,
    workspace: Workspace,
    asked: dict[str, str],
    total: str,
    is_rolled_up: bool,
) -> None:
    """To the second, and a row of further refusals counts as many."""
    key = services.mint(workspace=workspace, name="Website", created_by=person).key
    failed: dict[str, Any] = {
        "status": 529,
        "error_type": "overloaded_error",
        "error_code": "upstream_overloaded",
    }
    write(
        a_record(workspace, key_id=key.pk, tags=("team:web", "repo:a")),
        a_record(workspace, source="console", session_id="b71e"),
        a_record(workspace, resolved_model="caicaini/atlas", credits=4),
        a_record(workspace, key_id=key.pk, **failed),
        a_record(workspace, at=timezone.now() - timedelta(days=3), stop_reason="max_tokens"),
        a_record(workspace, credits=0),
        refused(workspace, refusals=11),
    )
    if is_rolled_up:
        roll_up.roll_up()

    page = see(browser, **{name: text.format(key=key.pk) for name, text in asked.items()})

    found = re.search(r'<p class="log-total">(.*?)</p>', page.content.decode(), re.DOTALL)
    assert " ".join(re.sub(r"<[^>]*>", "", found[1] if found else "").split()) == total


@pytest.mark.parametrize("before", ["nonsense", "20261122T000000.000000Z_xyz", "_", "99999"])
def test_a_broken_address_shows_the_newest(
    browser: Client, workspace: Workspace, before: str
) -> None:
    write(a_record(workspace))
    broken = {"key": "9" * 40, "status": "yes", "from": "soon", "model": "\x00", "tag": "x" * 999}

    assert len(rows_of(see(browser, before=before, range="forever", **broken))) == 1


def test_without_calls_the_page_says_what_will_be_there(browser: Client) -> None:
    assert "Calls appear here as soon as they end" in text_of(see(browser))


def test_the_tail_brings_rows_only_when_something_has_changed(
    browser: Client, workspace: Workspace
) -> None:
    write(a_record(workspace))
    script = {"hx-request": "true", "hx-target": "log"}
    shown = re.findall(r'requests\?[^"]*shown=(\w+)', see(browser).content.decode())[0]

    unchanged = browser.get(f"{LOG}?shown={shown}", headers=script)
    # An older moment: it ends after calls that were accepted later.
    write(a_record(workspace, at=timezone.now() - timedelta(minutes=5)))
    changed = browser.get(f"{LOG}?shown={shown}", headers=script)

    assert unchanged.status_code == 204
    assert b"<form" not in changed.content
    assert len(rows_of(changed)) == 2


@pytest.mark.parametrize(
    "asked", [{"before": "20260615T120000.000000Z_" + "0" * 32}, {"to": "2026-06-15T12:00"}]
)
def test_pages_that_new_calls_do_not_reach_have_no_tail(
    browser: Client, asked: dict[str, str]
) -> None:
    assert "data-tail" in see(browser).content.decode()
    assert "data-tail" not in see(browser, **asked).content.decode()


def test_a_chosen_filter_brings_form_and_rows(browser: Client, workspace: Workspace) -> None:
    write(a_record(workspace))

    answer = browser.get(
        f"{LOG}?status=ok", headers={"hx-request": "true", "hx-target": "requests"}
    )

    assert b"<html" not in answer.content
    assert b"<form" in answer.content
    assert len(rows_of(answer)) == 1


VALUES = {
    "key": st.sampled_from(["none", "1", "12345"]),
    "model": st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1),
    "status": st.sampled_from(["ok", "error", "429"]),
    "tag": st.sampled_from(["a", "team:web", "a&b=c", "ä"]),
    "session": st.sampled_from(["b71e-40af", "x y"]),
    "range": st.sampled_from(list(log_filters.RANGES)),
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_an_address_asks_for_the_filters_that_it_was_written_from(values: dict[str, str]) -> None:
    wanted = log_filters.parse(values, now=NOW)

    assert log_filters.parse(QueryDict(wanted.address()).dict(), now=NOW) == wanted
