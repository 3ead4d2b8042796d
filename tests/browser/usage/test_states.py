"""A workspace grows: usage and log without a call, with one, with a day and with weeks of them;
and a mail that comes once when a line is crossed."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from tests.browser import chromium
from tests.browser.console_models import ATLAS, GRAND
from tests.browser.product import Product
from tests.browser.visitor import Visitor
from tests.support.callers import Caller
from tests.support.people import PASSWORD
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually

pytestmark = chromium.NEEDED

EMAIL = "grower@example.com"
USAGE, LOG, ALERTS = (f"/developers/usage{path}" for path in ("", "/requests", "/alerts"))
_PERSON = f"""
from billing.ledger import grants
from tests.support.people import new_person, workspace_of
grants.grant(workspace=workspace_of(new_person({EMAIL!r})), credits=1_000_000, reason="Test")
"""
# The audit compares a record with its hold, so the two move together.
_SPREAD_OVER_WEEKS = f"""
from datetime import timedelta
from accounts.models import User
from billing.models import Hold
from tests.support.people import workspace_of
from usage.models import DirtyHour, RequestRecord

workspace = workspace_of(User.objects.get(email={EMAIL!r}))
calls = RequestRecord.objects.filter(workspace_id=workspace.pk).order_by("accepted_at")
for number, call in enumerate(list(calls)):
    at = call.accepted_at - timedelta(days=number * 6 % 37, hours=number)
    calls.filter(id=call.id).update(accepted_at=at)
    Hold.objects.filter(id=call.id).update(accepted_at=at)
    for moment in (call.accepted_at, at):
        hour = moment.replace(minute=0, second=0, microsecond=0)
        DirtyHour.objects.create(workspace_id=workspace.pk, starts_at=hour)
"""
_IS_WATCHED = """
SELECT alerts.checked_seq = wallet.seq FROM usage_spendalerts AS alerts
JOIN billing_wallet AS wallet USING (workspace_id)
JOIN accounts_membership AS member USING (workspace_id)
JOIN accounts_user AS person ON person.id = member.user_id WHERE person.email = %s
"""
Ask = Callable[..., None]


@pytest.fixture(scope="module")
def grower(browser: Browser, running_product: Product) -> Iterator[Visitor]:
    """A person with credits and without a call, signed in once for all tests here."""
    running_product.run_code(_PERSON)
    visitor = Visitor(browser, home=running_product.url)
    page = visitor.page
    page.goto("/accounts/login/?next=/developers/settings")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Settings")).to_be_visible()
    yield visitor
    page.context.close()


@pytest.fixture(scope="module")
def ask(grower: Visitor, running_product: Product, upstream: ScriptedUpstream) -> Ask:
    """Make a call with a key of that person."""
    page = grower.page
    page.goto("/developers/keys/new")
    page.get_by_label("Name").fill("growth")
    page.get_by_role("button", name="Create key").click()
    caller = Caller(running_product.url, page.locator("#token").inner_text())

    def call(model: str, *, status: int = 200, **fields: object) -> None:
        headers = {"caicaini-tags": "team:web", "x-claude-code-session-id": "s1"}
        prompt = upstream.script(says("Hello there")).prompt
        assert caller.ask(prompt, model=model, headers=headers, **fields).status == status

    return call


def shows(visitor: Visitor, *, calls: int, words: str) -> None:
    """Look at usage and log in light, dark and forced colours; the log has so many calls."""
    page, rows = visitor.page, visitor.page.locator(".log tbody tr")
    page.goto(f"{LOG}?range=all")
    expect(rows).to_have_count(calls)
    visitor.glance()
    page.goto(USAGE)
    expect(page.get_by_role("main")).to_contain_text(words)
    expect(page.locator("#chart-table tbody tr")).to_have_count(30)
    visitor.glance()
    assert visitor.faults == []


def test_usage_and_log_of_a_workspace_that_grows(
    grower: Visitor, ask: Ask, running_product: Product
) -> None:
    page = grower.page
    shows(grower, calls=0, words="No calls in these 30 days")

    ask(GRAND)
    shows(grower, calls=1, words="Latest requests")

    for model in (ATLAS, GRAND, ATLAS):
        ask(model, stream=True)
    ask("no/such-model", status=404)
    shows(grower, calls=5, words="Latest requests")

    for number in range(20):
        ask((GRAND, ATLAS)[number % 2])
    running_product.run_code(_SPREAD_OVER_WEEKS)
    shows(grower, calls=25, words="Latest requests")
    page.goto(f"{USAGE}?range=7d&compare=1&by=tag&table=tag")
    expect(page.locator("#chart .chart-before")).to_be_attached()
    grower.glance()
    assert grower.faults == []


def test_a_line_that_is_crossed_brings_one_mail(
    grower: Visitor, ask: Ask, running_product: Product
) -> None:
    page = grower.page
    page.goto(ALERTS)
    page.get_by_label("Balance below, in dollars").fill("20")
    page.get_by_label("Spent in a day over, in dollars").fill("0.01")
    page.get_by_role("button", name="Save").click()
    # The balance is $10: the mail comes by itself.
    expect(page.get_by_text("The balance is below the amount already")).to_be_visible()
    grower.glance()

    def is_watched() -> bool:
        with psycopg.connect(running_product.database_url) as database:
            row = database.execute(_IS_WATCHED, [EMAIL]).fetchone()
        return bool(row and row[0])

    # 0.01 dollars are 1,000 credits, and twenty calls cost 560.
    for _ in range(3):
        for _ in range(20):
            ask(GRAND)
        eventually(is_watched, within_s=120, what="a comparison after the last call")

    page.goto("/development/mail")
    rows = page.locator("tbody tr", has_text=EMAIL)
    for subject in ("apiCredits left in", "apiCredits spent in a day in"):
        expect(rows.filter(has_text=subject)).to_have_count(1)
    page.goto(ALERTS)
    grower.glance()
    assert grower.faults == []
