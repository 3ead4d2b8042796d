"""Connected services at a real server, which reads its providers from its environment."""

from tests.support.customers import Customer
from tests.support.page_caller import at_a_page


def test_they_are_a_404_where_no_provider_is_configured(customer: Customer) -> None:
    page = at_a_page(customer.owner, url=customer.url)

    assert page.get("/developers/settings").status == 200
    shown = page.get("/accounts/3rdparty/")
    assert shown.status == 404
    assert "There is nothing here" in shown.body.decode()
