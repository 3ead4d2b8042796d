"""Reads mails on the page that shows them in development."""

from playwright.sync_api import expect

from tests.browser.visitor import Visitor


def follow_link_of_newest(visitor: Visitor, *, subject: str) -> None:
    """Open the newest mail by the link on the current page, and follow the mail's own link."""
    page = visitor.page
    page.get_by_role("link", name="Open the mailbox").click()
    visitor.look_at("Development mail")
    newest = page.get_by_role("table").get_by_role("link").first
    expect(newest).to_have_text(subject)
    newest.click()
    visitor.look_at(subject)
    page.get_by_role("main").get_by_role("link", name=f"{visitor.home}/accounts/").click()
