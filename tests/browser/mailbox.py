"""Mails as a person reads them, on the page that shows them in development."""

from tests.browser.visitor import Visitor


def open_newest(visitor: Visitor) -> None:
    """Open the newest mail; the page before has a link to the mailbox."""
    visitor.page.get_by_role("link", name="Open the development mailbox").click()
    visitor.look()
    visitor.page.get_by_role("table").get_by_role("link").first.click()
    visitor.look()


def follow_link(visitor: Visitor) -> None:
    """Follow the link that the open mail was sent for."""
    visitor.page.get_by_role("main").get_by_role("link", name=f"{visitor.home}/accounts/").click()
