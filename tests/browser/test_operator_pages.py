"""An operator visits the operators' pages, on the running product."""

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


def make_operator(product: Product, person: Person) -> None:
    """Make the person an operator in the database, as for an installation's first one."""
    with psycopg.connect(product.database_url) as connection:
        found = connection.execute(
            "UPDATE accounts_user SET is_staff = true, is_superuser = true WHERE email = %s",
            [person.email],
        )
        assert found.rowcount == 1
