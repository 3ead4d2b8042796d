"""The billing page, as a person's browser gets it."""

import re

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Role, Workspace
from billing.models import TopUp
from stripe_sandbox.client import Sandbox
from stripe_sandbox.server import SandboxServer
from tests.billing.top_ups.pages import FORM, PAGE, buy, filled_in, page_of
from tests.billing.top_ups.shop import deliver, pay
from tests.support import people
from tests.support.reading import text_of


def test_amounts_are_shown_in_dollars_and_credits(shopper: Client) -> None:
    page = text_of(shopper.get(PAGE))

    for amount in (
        "$5 500,000 credits",
        "$20 2,000,000 credits",
        "$50 5,000,000 credits",
        "$100 10,000,000 credits",
    ):
        assert amount in page
    assert "No top-up yet" in page


def test_the_button_leads_to_stripes_page(shopper: Client, stripe_server: SandboxServer) -> None:
    response = shopper.post(FORM, filled_in("50"))

    top_up = TopUp.objects.get()
    assert (top_up.amount_cents, top_up.credits, top_up.state) == (5_000, 5_000_000, "pending")
    assert response["Location"].startswith(f"{stripe_server.settings.public_url}/c/pay/")


def test_another_amount_can_be_bought_to_the_cent(shopper: Client) -> None:
    assert buy(shopper, "other", "12.34").credits == 1_234_000
    assert buy(shopper, "other", "5").amount_cents == 500
    assert buy(shopper, "other", "1000.00").amount_cents == 100_000


@pytest.mark.parametrize(
    "other",
    ["", "4.99", "1000.01", "12.345", "0", "-20", "1e9", "NaN", "Infinity", "twenty", "12,50"],
)
def test_amounts_that_are_not_sold_are_refused_with_what_was_typed(
    shopper: Client, other: str
) -> None:
    response = shopper.post(FORM, filled_in("other", other))

    assert response.status_code == 422
    assert 'id="id_other_error"' in response.content.decode()
    assert f'value="{other}"' in response.content.decode() or not other
    assert not TopUp.objects.exists()


@pytest.mark.parametrize("other", ["$20", " 20 ", "1,000", "$ 1 000.00", "12.5"])
def test_amounts_are_taken_as_people_type_them(shopper: Client, other: str) -> None:
    cents = {"12.5": 1_250, "$20": 2_000, " 20 ": 2_000}.get(other, 100_000)

    assert buy(shopper, "other", other).amount_cents == cents


@pytest.mark.parametrize("amount", ["", "7", "20.00", "free"])
def test_amounts_that_are_not_offered_are_refused(shopper: Client, amount: str) -> None:
    assert shopper.post(FORM, filled_in(amount)).status_code == 422
    assert not TopUp.objects.exists()


def test_sending_the_form_twice_buys_once(shopper: Client) -> None:
    form = filled_in()

    first, second = shopper.post(FORM, form), shopper.post(FORM, form)

    assert first["Location"] == second["Location"]
    assert TopUp.objects.count() == 1


def test_the_content_policy_lets_the_form_lead_to_stripes_page(
    shopper: Client, settings: Settings
) -> None:
    policy = shopper.get(PAGE)["Content-Security-Policy"]

    [form_action] = [part for part in policy.split(";") if part.strip().startswith("form-action")]
    assert set(settings.STRIPE_CHECKOUT_ORIGINS) <= set(form_action.split())


def test_while_stripe_is_unavailable_the_form_comes_back_and_can_be_sent_again(
    shopper: Client, sandbox: Sandbox
) -> None:
    form = filled_in("other", "77")
    sandbox.start_outage("server_error")

    refused = shopper.post(FORM, form)
    assert refused.status_code == 503
    assert "Nothing was charged" in text_of(refused)
    assert 'value="77"' in refused.content.decode()
    assert f'value="{form["form_id"]}"' in refused.content.decode()

    sandbox.clear_outage()
    assert shopper.post(FORM, form).status_code == 302
    assert TopUp.objects.count() == 1


def test_too_many_payments_begun_are_refused_with_what_to_do(shopper: Client) -> None:
    for _ in range(20):
        buy(shopper, "5")

    refused = shopper.post(FORM, filled_in("5"))

    assert refused.status_code == 429
    assert "Go on with one of them" in text_of(refused)


def test_without_a_stripe_key_the_page_says_so(browser: Client, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""

    assert "Payments are not set up here" in text_of(browser.get(PAGE))
    assert browser.post(FORM, filled_in()).status_code == 503


def test_the_history_has_receipts_and_pages(shopper: Client, sandbox: Sandbox) -> None:
    oldest = buy(shopper, "other", "5.55")
    pay(sandbox, oldest)
    deliver(sandbox)
    for _ in range(10):
        buy(shopper, "5")

    first, second = text_of(shopper.get(PAGE)), shopper.get(f"{PAGE}?top_ups=2")

    assert "$5.55 555,000 Paid" not in first
    assert "$5.55 555,000 Paid" in text_of(second)
    assert "/receipts/" in second.content.decode()


def test_a_poll_of_the_movements_gets_only_them(shopper: Client) -> None:
    poll = {"HX-Request": "true", "HX-Target": "movements"}

    fragment = shopper.get(f"{PAGE}?shown=older", headers=poll)

    assert "Top-ups" in text_of(fragment)
    assert "Continue to payment" not in text_of(fragment)
    shown = re.search(r"shown=([0-9.]+)", fragment.content.decode())
    assert shown
    again = shopper.get(f"{PAGE}?shown={shown[1]}", headers=poll)
    assert again.status_code == 204


def test_developers_of_the_workspace_see_top_ups_and_cannot_buy(
    shopper: Client, workspace: Workspace
) -> None:
    top_up = buy(shopper)
    developer = people.browser_of(people.new_member(workspace, Role.DEVELOPER))

    assert "Continue to payment" not in text_of(developer.get(PAGE))
    assert "Go on to the payment page" not in text_of(developer.get(page_of(top_up)))
    assert developer.post(FORM, filled_in()).status_code == 403
    assert developer.post(f"{PAGE}/low-balance-line", {"dollars": "5"}).status_code == 403
    assert (
        people.browser_of(people.new_member(workspace, Role.BILLING))
        .post(FORM, filled_in())
        .status_code
        == 302
    )


def test_a_visitor_who_is_not_signed_in_is_asked_to(shopper: Client) -> None:
    response = Client().post(FORM, filled_in())

    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]
    assert not TopUp.objects.exists()


def test_reloading_after_an_error_leads_back_to_the_page(shopper: Client) -> None:
    assert shopper.get(FORM)["Location"] == PAGE
    assert shopper.get(f"{PAGE}/low-balance-line")["Location"] == PAGE
