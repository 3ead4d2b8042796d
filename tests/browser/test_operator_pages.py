"""An operator visits the operators' pages, on the running product."""

import re

import psycopg
import pytest
from playwright.sync_api import expect

from tests.browser import chromium, steps
from tests.browser.product import Product
from tests.browser.steps import Person
from tests.browser.visitor import Visitor

pytestmark = chromium.NEEDED

OPERATOR = Person("operator@example.com", "fourteen grey geese")


def test_the_operators_pages_are_readable_and_linked(
    visitor: Visitor, running_product: Product
) -> None:
    steps.sign_up(visitor, OPERATOR)
    make_operator(running_product, OPERATOR)
    page = visitor.page

    page.goto("/developers/settings")
    page.get_by_role("banner").get_by_label("Your account").click()
    page.get_by_role("link", name="Operator pages").click()
    visitor.look_at("Operator pages")
    page.get_by_role("main").get_by_role("link", name="Wallets").click()
    visitor.look_at("Wallets")
    expect(page.get_by_role("row", name="operator's workspace")).to_contain_text("10,000 ($0.10)")
    page.get_by_role("link", name="Owes credits").click()
    expect(page.get_by_role("link", name="operator's workspace")).to_have_count(0)
    page.go_back()
    page.get_by_role("link", name="operator's workspace").click()
    expect(page.get_by_text("Newest entries")).to_be_visible()
    expect(page.get_by_role("main").locator("input:not([type=hidden]), select")).to_have_count(0)
    visitor.look_at("View wallet")
    page.get_by_role("main").get_by_role("link", name="API keys").click()
    visitor.look_at("API keys")
    page.go_back()
    sidebar = page.get_by_role("navigation", name="Sidebar")
    sidebar.get_by_role("link", name="API keys").click()
    visitor.look_at("API keys")
    sidebar.get_by_role("link", name="Top-ups").click()
    visitor.look_at("Top-ups")

    page.get_by_role("link", name="Audit of the books").click()
    visitor.look_at("Audit of the books")
    page.get_by_role("main").get_by_role("link", name="Operator pages").click()
    expect(page.get_by_role("heading", level=1, name="Operator pages")).to_be_visible()


@pytest.mark.parametrize(
    ("frozen_for", "because", "notice"),
    [
        ("losses", "Its calls cost more than was held", "They cost far more than was held"),
        ("audit", "An audit found a fault", "Our audit found a balance that does not add up"),
        ("", "An audit found a fault", "Our audit found a balance that does not add up"),
    ],
    ids=["losses", "audit", "of the release before"],
)
def test_a_workspace_that_is_stopped_and_an_operator_both_read_why(
    visitor: Visitor, running_product: Product, frozen_for: str, because: str, notice: str
) -> None:
    person = Person(f"stopped-{frozen_for or 'before'}@example.com", "seven slow snails")
    steps.sign_up(visitor, person)
    make_operator(running_product, person)
    freeze(running_product, person, frozen_for=frozen_for)
    page = visitor.page

    page.goto("/developers/keys")
    expect(page.get_by_role("main")).to_contain_text(notice)
    visitor.look_at("API keys")

    page.goto("/operator/audit")
    row = page.get_by_role("row", name=f"stopped-{frozen_for or 'before'}'s workspace")
    expect(row.get_by_role("cell", name=because)).to_be_visible()
    visitor.look_at("Audit of the books")
    row.get_by_role("button", name="Unfreeze").click()
    expect(page.get_by_role("heading", level=1, name="Audit of the books")).to_be_visible()
    expect(row).to_have_count(0)

    page.goto("/developers/keys")
    expect(page.get_by_role("heading", level=1, name="API keys")).to_be_visible()
    expect(page.get_by_role("main")).not_to_contain_text("are paused")
    page.goto("/admin/billing/wallet/")
    page.get_by_role("link", name=f"stopped-{frozen_for or 'before'}'s workspace").click()
    unfrozen = page.locator(".field-unfrozen_at")
    expect(unfrozen).to_contain_text(re.compile(r"20\d\d"))
    visitor.look_at("View wallet")


def make_operator(product: Product, person: Person) -> None:
    """Make the person an operator in the database, as for an installation's first one."""
    with psycopg.connect(product.database_url) as connection:
        found = connection.execute(
            "UPDATE accounts_user SET is_staff = true, is_superuser = true WHERE email = %s",
            [person.email],
        )
        assert found.rowcount == 1


def freeze(product: Product, person: Person, *, frozen_for: str) -> None:
    """Freeze the person's wallet in the database, as the audit and the losses do."""
    with psycopg.connect(product.database_url) as connection:
        frozen = connection.execute(
            "UPDATE billing_wallet SET frozen_at = now(), frozen_for = %s WHERE pool = 'api'"
            " AND workspace_id = (SELECT workspace_id FROM accounts_membership m"
            " JOIN accounts_user u ON u.id = m.user_id WHERE u.email = %s)",
            [frozen_for, person.email],
        )
        assert frozen.rowcount == 1
