"""The landing page in a browser: recorded answers, and a live one in their place."""

import json

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser import chromium
from tests.browser.visitor import Visitor

pytestmark = chromium.NEEDED

HEADING = "One endpoint for hosted language models"
RUN = "Run it live"


def card(visitor: Visitor) -> Locator:
    """The answer that is shown."""
    return visitor.page.locator("[data-proof]:not(.is-behind)")


def height(visitor: Visitor) -> object:
    return visitor.page.evaluate("document.documentElement.scrollHeight")


def test_a_visitor_runs_a_question_live_in_place_of_the_recorded_answer(visitor: Visitor) -> None:
    visitor.page.goto("/")
    visitor.look_at(HEADING)
    before = height(visitor)

    card(visitor).get_by_role("button", name=RUN).click()

    expect(card(visitor)).to_contain_text("Live, just now")
    expect(card(visitor)).to_contain_text("rounded up")
    expect(card(visitor).locator("[data-run-slot=credits]")).not_to_have_text("0")
    assert height(visitor) == before, "the page moved"
    visitor.look_at(HEADING)
    expect(card(visitor).get_by_role("button", name=RUN)).to_be_visible()


def test_a_visitor_turns_to_another_question_and_back_by_keyboard(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/")
    first = card(visitor).get_attribute("aria-label")
    seen = {first}

    card(visitor).get_by_role("button", name="Another question").focus()
    for _ in range(page.locator("[data-proof]").count() - 1):
        page.keyboard.press("Enter")
        seen.add(card(visitor).get_attribute("aria-label"))
    page.keyboard.press("Enter")

    assert len(seen) == page.locator("[data-proof]").count() > 1
    assert card(visitor).get_attribute("aria-label") == first


def test_once_the_credits_are_spent_the_button_goes_and_the_recording_stays(
    visitor: Visitor,
) -> None:
    error = {
        "type": "rate_limit_error",
        "message": "Today's demo credits are spent. They are back at 00:00 UTC.",
        "details": {"error_code": "demo_budget_spent"},
    }
    body = json.dumps({"type": "error", "error": error, "request_id": "req_1"})
    headers = {"content-type": "application/json", "request-id": "req_1"}

    def refuse(route: Route) -> None:
        route.fulfill(status=429, headers=headers, body=body)

    visitor.page.route("**/demo/run*", refuse)
    visitor.page.goto("/")
    answer = card(visitor).locator("[data-run-slot=answer]")
    recorded = answer.inner_text()

    card(visitor).get_by_role("button", name=RUN).click()

    expect(card(visitor)).to_contain_text("Today's demo credits are spent.")
    expect(visitor.page.get_by_role("button", name=RUN)).to_have_count(0)
    assert answer.inner_text() == recorded
    expect(card(visitor)).to_contain_text("Recorded")
    visitor.look_at(HEADING)
    visitor.faults[:] = [fault for fault in visitor.faults if "status of 429" not in fault]


def test_offline_the_recording_stays_and_the_page_says_why(visitor: Visitor) -> None:
    visitor.page.goto("/")
    visitor.page.route("**/demo/run*", lambda route: route.abort())

    card(visitor).get_by_role("button", name=RUN).click()

    expect(card(visitor)).to_contain_text("The server did not answer.")
    expect(card(visitor)).to_contain_text("Recorded")
    visitor.faults[:] = [fault for fault in visitor.faults if "ERR_FAILED" not in fault]


@pytest.mark.parametrize("width", [320, 390, 800, 960, 1024, 1280])
def test_every_recorded_answer_is_seen_whole(visitor: Visitor, width: int) -> None:
    visitor.page.set_viewport_size({"width": width, "height": 900})
    visitor.page.goto("/")

    answers = visitor.page.locator(".proof-answer")
    expect(answers.first).to_be_visible()
    cut = "(all) => all.filter((one) => one.scrollHeight > one.clientHeight).length"
    assert answers.evaluate_all(cut) == 0
