"""Examples of the docs run in place: signed in, signed out, and with every ending."""

import base64
import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser import chromium, steps
from tests.browser.visitor import SMALL_PHONE, Visitor

pytestmark = chromium.NEEDED

PAGE = "/docs/streaming"
HEADING = "Streaming"
RUN_URL = "**/developers/console/run"
START: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "caicaini/swift",
    "content": [],
    "stop_reason": None,
    "usage": {"input_tokens": 14, "output_tokens": 1},
}
TEXT: dict[str, Any] = {
    "type": "content_block_delta",
    "index": 0,
    "delta": {"type": "text_delta", "text": "<b>Hi"},
}
BEGUN: list[dict[str, Any]] = [
    {"type": "message_start", "message": START},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    TEXT,
]


def example(page: Page) -> Locator:
    """The first example that can be run."""
    return page.locator("[data-example]", has=page.locator("[data-run], [data-run-sign-in]")).first


def go_signed_in(visitor: Visitor) -> Page:
    page = visitor.page
    page.goto(f"/accounts/login/?next={PAGE}")
    page.get_by_label("Email").fill(steps.DEMO.email)
    page.get_by_label("Password", exact=True).fill(steps.DEMO.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name=HEADING)).to_be_visible()
    page.wait_for_load_state()  # before its scripts have run, a click does nothing
    return page


def request_in(address: str) -> Any:
    """Return the request that a link to the console carries in its fragment."""
    encoded = address.partition("#request=")[2]
    return json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


def test_an_example_runs_in_place_and_shows_what_it_cost(visitor: Visitor) -> None:
    page = go_signed_in(visitor)
    box = example(page)

    box.get_by_role("button", name="Run this").click()

    run = box.locator("[data-run-output]")
    expect(run).to_contain_text("Your run")
    expect(run).to_contain_text("first token")
    expect(run.locator(".run-tick").first).to_be_attached()
    expect(run.locator(".run-text").first).not_to_be_empty()
    expect(run).to_contain_text("tokens in")
    address = run.get_by_role("link", name="Open in the console").get_attribute("href")
    sent = json.loads(box.locator("script[type='application/json']").inner_text())
    assert request_in(str(address)) == sent
    spoken = page.locator("#spoken").inner_text()
    assert f"It cost {run.locator('[data-run-slot=credits]').inner_text()} credit" in spoken
    visitor.look_at(HEADING)

    run.get_by_role("button", name="Close this run").click()

    expect(run).to_be_hidden()
    expect(box.get_by_role("button", name="Run this")).to_be_focused()


def test_on_the_smallest_phone_the_button_stands_in_the_line_of_the_tabs(visitor: Visitor) -> None:
    page = go_signed_in(visitor)
    page.set_viewport_size(SMALL_PHONE)
    box = example(page)

    tab = box.get_by_role("tab").first.bounding_box()
    button = box.get_by_role("button", name="Run").bounding_box()
    assert tab
    assert button
    assert tab["y"] <= button["y"] < tab["y"] + tab["height"]


def test_signed_out_the_button_leads_to_sign_in_and_back_to_the_example(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(PAGE)
    link = example(page).get_by_role("link", name="Sign in to run")
    id_of_example = example(page).get_attribute("id")

    link.click()

    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    page.get_by_label("Email").fill(steps.DEMO.email)
    page.get_by_label("Password", exact=True).fill(steps.DEMO.password)
    page.get_by_role("button", name="Sign in").click()
    expect(example(page).get_by_role("button", name="Run this")).to_be_visible()
    assert page.url.endswith(f"{PAGE}#{id_of_example}")


def refusal(status: int, kind: str, code: str, message: str) -> Callable[[Route], None]:
    error = {"type": kind, "message": message, "details": {"error_code": code}}
    body = json.dumps({"type": "error", "error": error, "request_id": "req_1"})
    return lambda route: route.fulfill(status=status, content_type="application/json", body=body)


def stream(*events: dict[str, Any]) -> Callable[[Route], None]:
    body = "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events)
    return lambda route: route.fulfill(content_type="text/event-stream", body=body)


ENDINGS: dict[str, tuple[Callable[[Route], None], str]] = {
    "no credits": (
        refusal(402, "billing_error", "out_of_credits", "Not enough apiCredits."),
        "Not enough apiCredits. (req_1) Add credits",
    ),
    "signed out": (
        refusal(401, "authentication_error", "signed_out", "You are signed out."),
        "You are signed out. Sign in in a new tab, then run it again here. Sign in",
    ),
    "an error in mid-stream": (
        stream(*BEGUN, {"type": "error", "error": {"message": "The model broke off."}}),
        "The model broke off.",
    ),
    "a stream without its end": (stream(*BEGUN), "The connection broke before the end."),
    "no answer": (lambda route: route.abort(), "The server did not answer."),
}


def test_every_other_ending_says_what_happened_and_what_to_do(visitor: Visitor) -> None:
    page = go_signed_in(visitor)
    box = example(page)
    button = box.locator("[data-run]")
    for answer, words in ENDINGS.values():
        page.route(RUN_URL, answer)
        button.click()
        expect(box.locator(".run-notice")).to_contain_text(words)
        expect(button).to_have_text("Run again")
        page.unroute(RUN_URL)

    page.route(RUN_URL, stream(*BEGUN))
    button.click()
    expect(box.locator(".run-text")).to_have_text("<b>Hi")
    visitor.look_at(HEADING)
    visitor.faults[:] = [
        fault for fault in visitor.faults if "Failed to load resource" not in fault
    ]


def test_stop_ends_a_run_that_has_not_been_answered(visitor: Visitor) -> None:
    page = go_signed_in(visitor)
    box = example(page)
    page.route(RUN_URL, lambda route: None)  # never answered

    box.get_by_role("button", name="Run this").click()
    box.get_by_role("button", name="Stop").click()

    expect(box.locator("[data-run-output]")).to_contain_text("Stopped")
    expect(box.get_by_role("button", name="Run again")).to_be_visible()


def test_escape_stops_a_run_and_then_closes_it(visitor: Visitor) -> None:
    page = go_signed_in(visitor)
    box = example(page)
    page.route(RUN_URL, lambda route: None)  # never answered
    box.get_by_role("button", name="Run this").press("Enter")
    expect(box.get_by_role("button", name="Stop")).to_be_focused()

    page.keyboard.press("Escape")
    expect(box.locator("[data-run-output]")).to_contain_text("Stopped")
    expect(box.get_by_role("button", name="Run again")).to_be_focused()

    page.keyboard.press("Escape")
    expect(box.locator("[data-run-output]")).to_be_hidden()
    expect(box.get_by_role("button", name="Run this")).to_be_focused()
