"""The steps of a user in the portal; each step checks the pages it opens."""

import re
from typing import NamedTuple

from playwright.sync_api import expect

from tests.browser import mailbox
from tests.browser.visitor import Visitor

_TOKEN = re.compile(r"cai_api_[0-9A-Za-z]{38}")
# The button shows "Copied" for two seconds only, which a busy machine may miss.
_WATCH_FOR_COPIED = """
    (button) => {
        window.copiedWasShown = new Promise((seen, missed) => {
            const look = () => { if (button.innerText.trim() === "Copied") seen(); };
            new MutationObserver(look).observe(button, {attributes: true});
            setTimeout(() => missed(new Error("the button never showed that it copied")), 60000);
        });
    }
"""


class Person(NamedTuple):
    """The account of a user."""

    email: str
    password: str


DEMO = Person("demo@example.com", "caicaini-demo")


class NewKey(NamedTuple):
    """The texts that the page of a new key offers to copy."""

    token: str
    plain_call: str
    streaming_call: str


def sign_up(visitor: Visitor, person: Person) -> None:
    """Go from the landing page to the checklist, and confirm the address on the way."""
    page = visitor.page
    page.goto("/")
    visitor.look_at("One endpoint for hosted language models")
    page.get_by_role("link", name="Create an account").click()
    visitor.look_at("Create your account")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign up", exact=True).click()
    visitor.look_at("Check your email")
    mailbox.follow_link_of_newest(visitor, subject="Confirm your address for Caicaini")
    visitor.look_at("Confirm your address")
    page.get_by_role("button", name="Yes, confirm it").click()
    visitor.look_at("Three steps to get started")


def sign_in(visitor: Visitor, person: Person) -> None:
    """Ask for a page of the developers and sign in on the way to it."""
    page = visitor.page
    page.goto("/developers/settings")
    visitor.look_at("Sign in")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    visitor.look_at("Settings")
    expect(page.get_by_role("main")).to_contain_text(person.email)


def sign_out(visitor: Visitor) -> None:
    """Sign out from the menu behind the avatar."""
    bar = visitor.page.get_by_role("banner")
    bar.get_by_label("Your account").click()
    bar.get_by_role("button", name="Sign out").click()
    expect(bar.get_by_role("link", name="Sign in")).to_be_visible()


def choose_new_password(visitor: Visitor, person: Person) -> None:
    """Request a password mail and set the person's password by its link."""
    page = visitor.page
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    visitor.look_at("Forgot your password?")
    page.get_by_label("Email").fill(person.email)
    page.get_by_role("button", name="Send the link").click()
    visitor.look_at("Check your email")
    mailbox.follow_link_of_newest(visitor, subject="Choose a new password for Caicaini")
    visitor.look_at("Choose a new password")
    page.get_by_label("New password", exact=True).fill(person.password)
    page.get_by_label("New password, once more", exact=True).fill(person.password)
    page.get_by_role("button", name="Change the password").click()
    visitor.look_at("Your password is changed")


def open_section(visitor: Visitor, name: str) -> None:
    """Open a section of the developers' pages from the navigation."""
    sections = visitor.page.get_by_role("navigation", name="Developers")
    sections.get_by_role("link", name=name).click()
    expect(sections.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")


def create_key(visitor: Visitor, *, name: str, expires: str = "Never") -> NewKey:
    """Create a key and copy what its page offers; the page stays open."""
    page = visitor.page
    page.get_by_role("link", name="Create key").click()
    visitor.look_at("Create key")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Expires").select_option(expires)
    page.get_by_role("button", name="Create key").click()
    visitor.look_at(f"“{name}” is ready")
    token = _copied_from(visitor, "token")
    assert _TOKEN.fullmatch(token)
    calls = [_copied_from(visitor, code) for code in ("first-call-sample-curl", "streaming-call")]
    assert all(token in call for call in calls)
    return NewKey(token, *calls)


def revoke_key(visitor: Visitor, *, name: str) -> None:
    """Revoke a key, after cancelling the first confirmation."""
    page = visitor.page
    open_section(visitor, "Keys")
    ask, question = page.get_by_role("link", name=f"Revoke {name}"), page.get_by_role("dialog")
    ask.click()
    visitor.look_at(f"Revoke “{name}”?")
    question.get_by_role("link", name="Keep it").click()
    expect(question).to_be_hidden()
    ask.click()
    question.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text(f"“{name}” is revoked")).to_be_visible()
    visitor.look_at("API keys")


def expect_balance(visitor: Visitor, credits: int) -> None:
    """Wait until the top bar shows exactly this balance; it refreshes every ten seconds."""
    pill = visitor.page.get_by_role("banner").locator("#balance .number")
    expect(pill).to_have_text(f"{credits:,}")


def _copied_from(visitor: Visitor, code_id: str) -> str:
    """Press the copy button of a piece of code; return the clipboard."""
    button = visitor.page.locator(f"[data-copy={code_id}]")
    button.evaluate(_WATCH_FOR_COPIED)
    button.click()
    visitor.page.evaluate("copiedWasShown")
    return visitor.copied()
