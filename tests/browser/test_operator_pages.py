"""An operator visits the operators' pages, on the running product."""

import json

import psycopg
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
    visitor.look_at("Site administration")
    page.get_by_role("main").get_by_role("link", name="Wallets").click()
    visitor.look_at("Select wallet to view")
    page.get_by_role("link", name="operator's workspace").click()
    expect(page.get_by_text("Newest entries")).to_be_visible()
    visitor.look_at("View wallet")
    sidebar = page.get_by_role("navigation", name="Sidebar")
    sidebar.get_by_role("link", name="API keys").click()
    visitor.look_at("Select API key to view")
    sidebar.get_by_role("link", name="Top-ups").click()
    visitor.look_at("Select top-up to view")

    page.get_by_role("link", name="Audit of the books").click()
    visitor.look_at("Audit of the books")


def make_operator(product: Product, person: Person) -> None:
    """Make the person an operator in the database, as for an installation's first one."""
    endpoints = json.loads((product.data_dir / "embedded.json").read_text())
    with psycopg.connect(endpoints["database_url"]) as connection:
        found = connection.execute(
            "UPDATE accounts_user SET is_staff = true, is_superuser = true WHERE email = %s",
            [person.email],
        )
        assert found.rowcount == 1
