"""A newcomer's whole way, from the landing page to a revoked key, on the running product."""

import json
import re
from typing import Any, NamedTuple

from playwright.sync_api import expect

from tests.browser import chromium, mailbox
from tests.browser.product import Product
from tests.browser.shell import Shell
from tests.browser.visitor import Visitor

pytestmark = chromium.NEEDED

EMAIL = "newcomer@example.com"
PASSWORD = "twelve grey geese"
NEW_PASSWORD = "thirteen grey geese"
WELCOME_CREDITS = 10_000
TOKEN = re.compile(r"cai_api_[0-9A-Za-z]{38}")


class ReadyCalls(NamedTuple):
    """What the page of a new key offers to copy."""

    token: str
    plain: str
    streaming: str


def test_a_newcomer_calls_a_model_sees_the_credits_leave_and_revokes_the_key(
    visitor: Visitor, shell: Shell, running_product: Product
) -> None:
    sign_up(visitor)
    expect_balance(visitor, WELCOME_CREDITS)
    calls = create_key(visitor, name="first steps")

    first = credits_of_answer(shell.run(calls.plain).json())
    expect(visitor.page.get_by_text("The first call with “first steps” arrived.")).to_be_visible()
    expect_balance(visitor, WELCOME_CREDITS - first)
    second = credits_of_stream(list(shell.pieces(calls.streaming)))
    expect_balance(visitor, WELCOME_CREDITS - first - second)
    visitor.look()

    expect_key_is_gone(visitor, calls.token)
    assert running_product.files_with(calls.token) == []
    expect_calls_on_usage_page(visitor, [second, first])
    expect_entries_on_billing_page(visitor, [-second, -first, WELCOME_CREDITS])

    revoke_key(visitor, name="first steps")
    refusal = shell.run(calls.plain)
    assert refusal.status == 401
    expect_documented_error(refusal.json(), error_type="authentication_error")
    expect_balance(visitor, WELCOME_CREDITS - first - second)

    sign_out(visitor)
    sign_in(visitor, password=PASSWORD)
    sign_out(visitor)
    choose_new_password(visitor)
    sign_in(visitor, password=NEW_PASSWORD)
    expect_balance(visitor, WELCOME_CREDITS - first - second)


def sign_up(visitor: Visitor) -> None:
    """Leave the person on the checklist, confirmed."""
    page = visitor.page
    page.goto("/")
    visitor.look()
    page.get_by_role("link", name="Create an account").click()
    visitor.look()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    visitor.look()
    mailbox.open_newest(visitor)
    mailbox.follow_link(visitor)
    visitor.look()
    page.get_by_role("button", name="Yes, confirm it").click()
    expect(page).to_have_url(f"{visitor.home}/developers/")
    expect(page.get_by_role("main")).to_contain_text("10,000 apiCredits, worth $0.10")
    visitor.look()


def create_key(visitor: Visitor, *, name: str) -> ReadyCalls:
    """Leave the person on the page that shows the key."""
    page = visitor.page
    page.get_by_role("link", name="Create key").click()
    visitor.look()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", name=f"“{name}” is ready")).to_be_visible()
    visitor.look()
    token = copied_from(visitor, "token")
    assert TOKEN.fullmatch(token)
    calls = ReadyCalls(
        token,
        copied_from(visitor, "first-call-sample-curl"),
        copied_from(visitor, "streaming-call"),
    )
    assert token in calls.plain
    assert token in calls.streaming
    return calls


def copied_from(visitor: Visitor, code_id: str) -> str:
    """Press the copy button of a piece of code; return what it has copied."""
    button = visitor.page.locator(f"[data-copy={code_id}]")
    button.click()
    expect(button).to_contain_text("Copied")
    return visitor.copied()


def credits_of_answer(message: dict[str, Any]) -> int:
    """Check the documented shape of an answer; return what it says it cost."""
    assert message["id"].startswith("msg_")
    assert (message["type"], message["role"]) == ("message", "assistant")
    assert message["model"] == "caicaini/swift"
    assert message["content"][0]["type"] == "text"
    assert message["content"][0]["text"].strip()
    assert message["stop_reason"] in {"end_turn", "max_tokens"}
    return credits_of(message["usage"])


def credits_of_stream(pieces: list[str]) -> int:
    """Check that text came in many pieces, in one well-formed stream; return what it cost."""
    assert sum("content_block_delta" in piece for piece in pieces) > 1
    stream, _, status = "".join(pieces).rpartition("\n")
    assert status == "200"
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
    assert events[0]["type"] == "message_start"
    assert events[-1]["type"] == "message_stop"
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta["text"] for delta in deltas).strip()
    return credits_of(events[-2]["usage"])


def credits_of(usage: dict[str, int]) -> int:
    """Return the price, which is above nothing as tokens went in and came out."""
    assert usage["input_tokens"] > 0
    assert usage["output_tokens"] > 0
    assert usage["credits_consumed"] > 0
    return usage["credits_consumed"]


def expect_balance(visitor: Visitor, credits: int) -> None:
    """Wait until the top bar shows exactly this balance; it asks by itself every ten seconds."""
    pill = visitor.page.get_by_role("banner").locator("#balance .number")
    expect(pill).to_have_text(f"{credits:,}", timeout=30_000)


def expect_key_is_gone(visitor: Visitor, token: str) -> None:
    """Look where the key was: it is named there, and shown no more."""
    page = visitor.page
    page.reload()
    expect(page.get_by_role("heading", name="API keys")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text(["its key was shown once", ""])
    expect(page.get_by_role("row", name="first steps")).to_contain_text("cai_api_")
    assert token not in page.content()
    visitor.look()


def expect_calls_on_usage_page(visitor: Visitor, credits: list[int]) -> None:
    """Look for the calls, newest first."""
    page = visitor.page
    page.get_by_role("navigation", name="Developers").get_by_role("link", name="Usage").click()
    expect(page.locator("[data-label=Credits]")).to_have_text([f"{amount:,}" for amount in credits])
    expect(page.get_by_role("row", name="first steps")).to_have_count(len(credits))
    visitor.look()


def expect_entries_on_billing_page(visitor: Visitor, amounts: list[int]) -> None:
    """Look for the movements of money, newest first."""
    page = visitor.page
    page.get_by_role("navigation", name="Developers").get_by_role("link", name="Billing").click()
    amount_cells = page.get_by_role("region", name="Ledger").locator("[data-label=Credits]")
    shown = [
        text.replace(",", "").replace("\u2212", "-") for text in amount_cells.all_inner_texts()
    ]
    assert [int(text) for text in shown] == amounts
    visitor.look()


def revoke_key(visitor: Visitor, *, name: str) -> None:
    """Revoke a key; keep it when first asked."""
    page = visitor.page
    page.get_by_role("navigation", name="Developers").get_by_role("link", name="Keys").click()
    ask, question = page.get_by_role("link", name=f"Revoke {name}"), page.get_by_role("dialog")
    ask.click()
    expect(question).to_contain_text(f"Revoke “{name}”?")
    visitor.look()
    question.get_by_role("link", name="Keep it").click()
    expect(question).to_be_hidden()
    ask.click()
    question.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text(f"“{name}” is revoked")).to_be_visible()
    expect(page.get_by_role("heading", name="No active key")).to_be_visible()
    visitor.look()


def expect_documented_error(body: dict[str, Any], *, error_type: str) -> None:
    """Check the one shape that all errors have."""
    assert body["type"] == "error"
    assert body["error"]["type"] == error_type
    assert body["error"]["message"]
    assert body["request_id"].startswith("req_")


def sign_out(visitor: Visitor) -> None:
    """Sign out from the menu behind the avatar."""
    page = visitor.page
    page.get_by_label("Your account").click()
    visitor.look()
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def sign_in(visitor: Visitor, *, password: str) -> None:
    """Sign in; a page of the developers asks for it."""
    page = visitor.page
    page.goto("/developers/settings")
    visitor.look()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(EMAIL)
    visitor.look()


def choose_new_password(visitor: Visitor) -> None:
    """Ask for a mail and choose a new password through its link."""
    page = visitor.page
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    visitor.look()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_role("button", name="Send the link").click()
    visitor.look()
    mailbox.open_newest(visitor)
    mailbox.follow_link(visitor)
    visitor.look()
    page.get_by_label("New Password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New Password (again)").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()
    visitor.look()
