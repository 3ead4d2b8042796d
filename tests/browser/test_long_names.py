"""A user with a long address and long key names, on a desktop and on a phone."""

from playwright.sync_api import expect

from tests.browser import chromium, steps
from tests.browser.steps import Person
from tests.browser.visitor import Visitor

pytestmark = chromium.NEEDED

# Neither contains a point where a browser would break the line.
LONG = Person(
    "averyveryverylongnameforaperson.and.more@averylongcompanyname.example.com", "fifteen geese"
)
KEY_NAME = "W" * 80


def test_long_names_stay_inside_the_screen(visitor: Visitor) -> None:
    steps.sign_up(visitor, LONG)
    steps.create_key(visitor, name=KEY_NAME, expires="In 30 days")
    visitor.page.get_by_role("link", name="I have stored it").click()
    visitor.look_at("API keys")
    expect(visitor.page.get_by_text("Expires in 30 d")).to_be_visible()
    visitor.page.get_by_role("link", name=f"Revoke {KEY_NAME}").click()
    visitor.look_at(f"Revoke “{KEY_NAME}”?")
    visitor.page.get_by_role("dialog").get_by_role("link", name="Keep it").click()
    steps.open_section(visitor, "Settings")
    visitor.look_at("Settings")
