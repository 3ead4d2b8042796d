"""Pages and states that no other walk here comes by, light, dark and in forced colours."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.browser.product import Product
from tests.browser.steps import Person
from tests.browser.visitor import Visitor
from tests.support.people import PASSWORD

pytestmark = chromium.NEEDED

SOMEBODY = Person("somebody@example.com", PASSWORD)


class State(NamedTuple):
    """A page with this heading; `reach` leads from its address to the state, which has `text`."""

    address: str
    heading: str
    reach: Callable[[Page], object] = lambda page: None
    text: str = ""


def send(page: Page) -> None:
    page.get_by_role("main").locator("form button[type=submit]").last.click()


def give_password(page: Page) -> None:
    page.get_by_label("Password", exact=True).fill(SOMEBODY.password)
    send(page)


def change_wrongly(page: Page) -> None:
    for field in page.locator("main input[type=password]").all():
        field.fill("short")
    send(page)


def sign_in_wrongly(page: Page) -> None:
    page.get_by_label("Email").fill(SOMEBODY.email)
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_up_wrongly(page: Page) -> None:
    page.get_by_label("Email").fill("new@example.com")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Sign up", exact=True).click()


def buy_wrongly(page: Page) -> None:
    page.get_by_label("Another amount").check()
    page.get_by_label("Amount in dollars").fill("1e2")
    page.get_by_role("button", name="Continue to payment").click()


def set_threshold_wrongly(page: Page) -> None:
    page.locator("[name=dollars]").fill("0")
    page.get_by_role("button", name="Save").click()


def open_menu(page: Page) -> None:
    page.get_by_label("Your account").click()


def open_themes(page: Page) -> None:
    page.get_by_label("Theme").click()


SIGNED_OUT = (
    State("/accounts/login/?ended=1", "Sign in", text="Your session has ended"),
    State("/accounts/login/", "Sign in", sign_in_wrongly, "is not right"),
    State("/accounts/signup/", "Create your account", sign_up_wrongly, "at least 10 characters"),
    State("/accounts/confirm-email/nonsense/", "This link no longer works"),
    State("/accounts/password/reset/done/", "Check your email"),
    State("/accounts/password/reset/key/1-bad/", "This link no longer works"),
    State("/accounts/inactive/", "This account is switched off"),
    State("/accounts/github/login/", "Sign in with GitHub"),
    State("/accounts/3rdparty/login/cancelled/", "Sign-in cancelled"),
    State("/accounts/3rdparty/login/error/", "The other service did not sign you in"),
    State("/nowhere", "There is nothing here"),
    State("/docs/search?" + "&".join(["a=1"] * 1001), "This request cannot be read"),
)
SIGNED_IN = (
    State("/accounts/reauthenticate/", "Confirm it is you"),
    State("/accounts/reauthenticate/?next=/accounts/email/", "Change your address", give_password),
    State("/accounts/password/change/", "Change your password", change_wrongly, "too short"),
    State("/accounts/3rdparty/", "Connected services", text="octocat"),
    State("/accounts/logout/", "Sign out?"),
    State("/developers/console/signed-in", "You are signed in", text="This tab can be closed."),
    State("/developers/settings", "Settings", open_menu, "Sign out"),
    State("/developers/settings", "Settings", open_themes, "As the system"),
    State("/developers/?again", "Three steps to get started", text="No credits are left"),
    State("/developers/keys", "API keys", text="No active key"),
    State("/developers/keys/new", "Create key", send, "Give the key a name."),
    State("/developers/usage", "Usage"),
    State("/developers/billing", "Billing", text="Empty"),
    State("/developers/billing", "Billing", buy_wrongly, "Write the amount in digits"),
    State("/developers/billing", "Billing", set_threshold_wrongly, "dollars"),
    State("/developers/billing/ledger", "Ledger", text="movement"),
    State("/developers/billing/ledger?before=1", "Ledger", text="There is nothing older"),
    State("/developers/billing/ledger?kind=dispute", "Ledger", text="No movement passes"),
    State("/developers/billing/statements", "Statements"),
    State("/developers/nowhere", "There is nothing here"),
)
OVERDRAWN = (
    State("/developers/?again", "Three steps to get started", text="The balance is overdrawn"),
    State("/developers/billing", "Billing", text="are owed"),
)
_SOMEBODY = f"""
from allauth.socialaccount.models import SocialAccount
from tests.support.people import new_person
person = new_person({SOMEBODY.email!r})
SocialAccount.objects.create(
    user=person, provider="github", uid="1", extra_data={{"login": "octocat"}}
)
"""
_EMPTIED = f"""
from accounts.models import User
from tests.support.people import workspace_of
from billing.ledger import grants, wallets
workspace = workspace_of(User.objects.get(email={SOMEBODY.email!r}))
left = wallets.wallet_of(workspace).posted
if left:
    grants.grant(workspace=workspace, credits=-left, reason="Taken back")
"""
_OVERDRAWN = f"""
from accounts.models import User
from tests.support.books import Books, booked
from tests.support.people import workspace_of
from billing.ledger import grants, wallets
person = User.objects.get(email={SOMEBODY.email!r})
workspace = workspace_of(person)
top_up = Books(person, workspace, wallets.wallet_of(workspace).pk).top_up(500_000)
grants.grant(workspace=workspace, credits=-400_000, reason="Spent")
booked(top_up, refunded=500_000)
"""


@pytest.fixture(scope="module")
def somebody(browser: Browser, running_product: Product) -> Iterator[Visitor]:
    """A person without credits and keys, signed in once for all tests here."""
    running_product.run_code(_SOMEBODY)
    visitor = Visitor(browser, home=running_product.url)
    page = visitor.page
    page.goto("/accounts/login/?next=/developers/settings")
    page.get_by_label("Email").fill(SOMEBODY.email)
    page.get_by_label("Password", exact=True).fill(SOMEBODY.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Settings")).to_be_visible()
    running_product.run_code(_EMPTIED)  # the sign-in may have brought welcome credits
    visitor.expect_failures("404", "422")
    yield visitor
    page.context.close()


def survey(visitor: Visitor, states: tuple[State, ...]) -> None:
    page = visitor.page
    for state in states:
        page.goto(state.address)
        state.reach(page)
        expect(page.get_by_role("heading", level=1, name=state.heading)).to_be_visible()
        expect(page.locator("body")).to_contain_text(state.text)
        visitor.glance()
    assert visitor.faults == []


def test_signed_out(visitor: Visitor) -> None:
    visitor.expect_failures("400", "401", "404", "422")
    survey(visitor, SIGNED_OUT)


def test_signed_in(somebody: Visitor) -> None:
    survey(somebody, SIGNED_IN)


def test_overdrawn(somebody: Visitor, running_product: Product) -> None:
    running_product.run_code(_OVERDRAWN)

    survey(somebody, OVERDRAWN)


def test_a_connected_service_is_not_offered_again(somebody: Visitor) -> None:
    page = somebody.page
    page.goto("/accounts/reauthenticate/?next=/accounts/3rdparty/")
    give_password(page)
    expect(page.get_by_role("main")).to_contain_text("octocat")
    offer = page.get_by_role("button", name="Connect GitHub", exact=True)
    expect(offer).to_have_count(0)

    page.get_by_role("button", name="Disconnect GitHub").click()

    expect(offer).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Not connected")
    somebody.glance()
    assert somebody.faults == []


def test_a_fault_of_ours_stands_in_the_frame(somebody: Visitor, running_product: Product) -> None:
    page = somebody.page
    somebody.expect_failures("500")
    rename = "ALTER TABLE socialaccount_socialaccount{} RENAME TO socialaccount_socialaccount{}"
    with psycopg.connect(running_product.database_url, autocommit=True) as database:
        database.execute(rename.format("", "_gone"))
        try:
            page.goto("/accounts/3rdparty/")
        finally:
            database.execute(rename.format("_gone", ""))

    expect(page.get_by_role("heading", level=1, name="Something broke on our side")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(re.compile("req_[0-9a-f]{32}"))
    expect(page.get_by_role("navigation", name="Developers")).to_be_visible()
    somebody.glance()
    assert somebody.faults == []
