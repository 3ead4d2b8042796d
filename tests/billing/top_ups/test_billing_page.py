"""The billing page and the page of a top-up, as a person's browser gets them."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Role, User, Workspace
from billing.ledger import posting, wallets
from billing.models import EntryKind, LowBalanceThreshold, TopUp, TopUpState
from stripe_sandbox.client import Sandbox
from stripe_sandbox.server import SandboxServer
from tests.billing.top_ups.shop import deliver, pay, session_of, suspend_refreshes
from tests.support import people
from tests.support.books import Books, booked
from tests.support.reading import text_of

PAGE = "/developers/billing"
FORM = f"{PAGE}/top-ups"


def filled_in(amount: str = "20", other: str = "", form_id: UUID | None = None) -> dict[str, Any]:
    return {"form_id": form_id or uuid4(), "amount": amount, "other": other}


@pytest.fixture
def shopper(stripe_server: SandboxServer, browser: Client) -> Client:
    """A signed-in person's browser, where payments are set up."""
    return browser


@pytest.fixture
def books(person: User, workspace: Workspace) -> Books:
    """The money of the shopper's workspace."""
    return Books(person, workspace, wallets.wallet_of(workspace).pk)


def buy(shopper: Client, amount: str = "20", other: str = "") -> TopUp:
    """Send the form; the response leads to Stripe's page."""
    form = filled_in(amount, other)
    assert shopper.post(FORM, form).status_code == 302
    return TopUp.objects.get(pk=form["form_id"])


def page_of(top_up: TopUp) -> str:
    return f"{FORM}/{top_up.pk}"


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


def test_the_page_waits_and_then_shows_the_credits_land(shopper: Client, sandbox: Sandbox) -> None:
    top_up = buy(shopper)
    waiting = shopper.get(page_of(top_up))
    assert "Waiting for the payment" in text_of(waiting)
    assert "hx-get" in waiting.content.decode()

    pay(sandbox, top_up)
    deliver(sandbox)
    landed = shopper.get(page_of(top_up))

    assert "2,000,000 credits have landed" in text_of(landed)
    assert "every 1s" not in landed.content.decode()
    assert "Top-up Paid through Stripe" in text_of(shopper.get(PAGE))


def test_a_poll_is_answered_when_there_is_news(shopper: Client, sandbox: Sandbox) -> None:
    top_up = buy(shopper)
    poll = {"HX-Request": "true", "HX-Target": "top-up"}
    address = f"{page_of(top_up)}?shown=pending"
    assert shopper.get(address, headers=poll).status_code == 204

    pay(sandbox, top_up)
    deliver(sandbox)
    news = shopper.get(address, headers=poll)

    assert news.status_code == 200
    assert news["HX-Trigger"] == "balance-changed"
    assert "<html" not in news.content.decode()


def test_what_stripe_calls_paid_is_never_shown_as_failed(shopper: Client, sandbox: Sandbox) -> None:
    """The first card is declined, the second pays, and Stripe fails when the page loads."""
    top_up = buy(shopper)
    pay(sandbox, top_up, "4000000000000002")
    pay(sandbox, top_up)
    sandbox.start_outage("server_error")

    page = text_of(shopper.get(page_of(top_up)))

    assert "Stripe does not answer at the moment" in page
    assert "did not go through" not in page


def test_the_notice_stays_between_two_questions_to_stripe(
    shopper: Client, sandbox: Sandbox
) -> None:
    top_up = buy(shopper)
    sandbox.start_outage("server_error")
    poll = {"HX-Request": "true", "HX-Target": "top-up"}
    shopper.get(page_of(top_up))
    suspend_refreshes(top_up)
    asked = len(sandbox.requests())

    again = shopper.get(f"{page_of(top_up)}?shown=pending.stripe-unavailable", headers=poll)

    assert again.status_code == 204
    assert len(sandbox.requests()) == asked


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (TopUpState.PROCESSING, "Your bank is working on it"),
        (TopUpState.FAILED, "The payment did not go through"),
        (TopUpState.EXPIRED, "This payment page has expired"),
        (TopUpState.NEEDS_REVIEW, "We are checking this payment"),
    ],
)
def test_each_state_says_what_it_means(
    shopper: Client, books: Books, state: TopUpState, text: str
) -> None:
    top_up = TopUp.objects.create(
        wallet_id=books.wallet_id, amount_cents=2_000, credits=2_000_000, state=state
    )

    assert text in text_of(shopper.get(page_of(top_up)))
    assert "$20.00" in text_of(shopper.get(PAGE))


@pytest.mark.parametrize(
    ("since", "text"),
    [
        ({}, "2,000,000 credits have landed"),
        ({"refunded": 500_000}, "refunded in part"),
        ({"refunded": 2_000_000}, "This top-up is refunded"),
        ({"disputed": 2_000_000}, "This payment is disputed"),
    ],
)
def test_what_became_of_a_payment_is_said(
    shopper: Client, books: Books, since: dict[str, int], text: str
) -> None:
    top_up = books.top_up(2_000_000)
    booked(top_up, **since)

    assert text in text_of(shopper.get(page_of(top_up)))


def test_a_debt_is_named_and_so_is_its_repayment(
    shopper: Client, sandbox: Sandbox, books: Books
) -> None:
    spent = books.top_up(200_000)
    posting.post(
        wallet_id=books.wallet_id, kind=EntryKind.ADJUSTMENT, amount=-200_000, reference="spent"
    )
    booked(spent, disputed=200_000)
    page = text_of(shopper.get(PAGE))
    assert "200,000 credits ($2.00) are owed" in page
    assert "$5 500,000 credits, 200,000 of them repay what is owed" in page

    top_up = buy(shopper, "5")
    pay(sandbox, top_up)
    deliver(sandbox)

    assert "200,000 credits ($2.00) of them repaid" in text_of(shopper.get(page_of(top_up)))
    assert "are owed" not in text_of(shopper.get(PAGE))


def test_a_person_who_returns_without_paying_finds_the_form_filled_in(
    shopper: Client, sandbox: Sandbox
) -> None:
    top_up = buy(shopper, "other", "12.50")

    page = shopper.get(f"{PAGE}?cancelled={top_up.pk}")

    assert "Nothing was paid" in text_of(page)
    assert page.context["top_up_form"].initial["form_id"] == top_up.pk
    assert 'value="12.50"' in page.content.decode()


def test_an_abandoned_payment_page_is_shown_as_awaiting_payment(shopper: Client) -> None:
    top_up = buy(shopper)

    assert "Awaiting payment" in text_of(shopper.get(PAGE))
    page = text_of(shopper.get(page_of(top_up)))
    assert "If nothing was paid, nothing is charged" in page
    assert "this top-up expires by itself" in page
    assert "Continue to payment" in page


def test_a_made_up_cancellation_is_a_fresh_form(shopper: Client) -> None:
    for made_up in (uuid4(), "nonsense", ""):
        assert shopper.get(f"{PAGE}?cancelled={made_up}").status_code == 200


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


def test_somebody_elses_payment_cannot_be_continued(shopper: Client) -> None:
    theirs = buy(shopper, "other", "12.34")
    stranger = people.browser_of(people.new_person())

    page = stranger.get(f"{PAGE}?cancelled={theirs.pk}")
    sent = stranger.post(FORM, filled_in("other", "12.34", form_id=theirs.pk))

    assert "12.34" not in page.content.decode()
    assert page.context["top_up_form"].initial.get("form_id") != theirs.pk
    assert sent.status_code == 302
    assert str(theirs.stripe_session_id) not in sent["Location"]
    own = TopUp.objects.exclude(pk=theirs.pk).get()
    assert own.wallet_id != theirs.wallet_id


def test_without_a_stripe_key_the_page_says_so(browser: Client, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""

    assert "Payments are not set up here" in text_of(browser.get(PAGE))
    assert browser.post(FORM, filled_in()).status_code == 503


def test_going_back_from_a_page_that_was_paid_in_another_tab_tells_the_truth(
    shopper: Client, sandbox: Sandbox
) -> None:
    sandbox.set_faults(drop_types=["*"])  # no webhook is faster than the person
    top_up = buy(shopper)
    pay(sandbox, top_up)

    answer = shopper.get(f"{PAGE}?cancelled={top_up.pk}")

    assert answer["Location"] == page_of(top_up)
    assert "2,000,000 credits have landed" in text_of(shopper.get(page_of(top_up)))


def test_the_notice_that_nothing_was_paid_learns_of_a_payment_in_another_tab(
    shopper: Client, sandbox: Sandbox
) -> None:
    top_up = buy(shopper)
    page = shopper.get(f"{PAGE}?cancelled={top_up.pk}")
    assert "Nothing was paid so far." in text_of(page)
    poll = {"HX-Request": "true", "HX-Target": "returned"}
    address = f"{PAGE}?cancelled={top_up.pk}&shown=pending"
    assert shopper.get(address, headers=poll).status_code == 204

    pay(sandbox, top_up)
    deliver(sandbox)

    notice = text_of(shopper.get(address, headers=poll))
    assert "This top-up is paid: 2,000,000 credits ($20.00) have landed." in notice


def test_stripe_is_asked_before_a_page_says_that_a_payment_failed(
    shopper: Client, sandbox: Sandbox
) -> None:
    sandbox.set_faults(drop_types=["*"])
    top_up = buy(shopper)
    pay(sandbox, top_up)
    TopUp.objects.filter(pk=top_up.pk).update(state=TopUpState.FAILED)

    page = text_of(shopper.get(page_of(top_up)))

    assert "The payment did not go through" not in page
    assert "2,000,000 credits have landed" in page


def test_a_top_up_that_awaits_payment_can_be_cancelled(shopper: Client, sandbox: Sandbox) -> None:
    top_up = buy(shopper)
    assert f"{page_of(top_up)}/cancel" in shopper.get(PAGE).content.decode()

    answer = shopper.post(f"{page_of(top_up)}/cancel", follow=True)

    top_up.refresh_from_db()
    assert (top_up.state, top_up.status) == (TopUpState.EXPIRED, "cancelled")
    assert "The payment page for $20.00 is closed. Nothing was paid." in text_of(answer)
    assert "Cancelled" in text_of(answer)
    assert "You closed this payment page" in text_of(shopper.get(page_of(top_up)))
    deliver(sandbox)
    top_up.refresh_from_db()
    assert top_up.status == "cancelled"


def test_a_payment_that_was_faster_than_its_cancelling_counts(
    shopper: Client, sandbox: Sandbox
) -> None:
    sandbox.set_faults(drop_types=["*"])
    top_up = buy(shopper)
    pay(sandbox, top_up)

    answer = shopper.post(f"{page_of(top_up)}/cancel", follow=True)

    top_up.refresh_from_db()
    assert top_up.status == "paid"
    assert "2,000,000 credits have landed" in text_of(answer)


def test_a_top_up_whose_page_was_never_opened_can_be_cancelled(
    shopper: Client, books: Books
) -> None:
    top_up = TopUp.objects.create(wallet_id=books.wallet_id, amount_cents=500, credits=500_000)

    for _ in range(2):
        shopper.post(f"{page_of(top_up)}/cancel")
        top_up.refresh_from_db()
        assert top_up.status == "cancelled"


def test_nothing_is_cancelled_while_stripe_is_unavailable(
    shopper: Client, sandbox: Sandbox
) -> None:
    top_up = buy(shopper)
    sandbox.start_outage("server_error")

    answer = shopper.post(f"{page_of(top_up)}/cancel", follow=True)

    assert "this payment page is still open" in text_of(answer)
    top_up.refresh_from_db()
    assert top_up.status == "pending"


def test_a_page_that_stripe_does_not_know_is_not_cancelled(shopper: Client) -> None:
    """As after a change of the operator's Stripe account."""
    top_up = buy(shopper)
    TopUp.objects.filter(pk=top_up.pk).update(stripe_session_id="cs_test_unknown")

    answer = shopper.post(f"{page_of(top_up)}/cancel", follow=True)

    assert "this payment page is still open" in text_of(answer)
    top_up.refresh_from_db()
    assert top_up.status == "pending"


def test_without_a_stripe_key_earlier_top_ups_can_still_be_seen(
    shopper: Client, settings: Settings
) -> None:
    top_up = buy(shopper)
    settings.STRIPE_SECRET_KEY = ""

    assert shopper.get(page_of(top_up)).status_code == 200
    assert shopper.get(f"{PAGE}?cancelled={top_up.pk}").status_code == 200
    answer = shopper.post(f"{page_of(top_up)}/cancel", follow=True)
    assert "this payment page is still open" in text_of(answer)


def test_a_refunded_top_up_shows_its_own_figures_and_its_story(
    shopper: Client, sandbox: Sandbox
) -> None:
    top_up = buy(shopper)
    pay(sandbox, top_up)
    deliver(sandbox)
    top_up.refresh_from_db()
    another = buy(shopper, "100")
    pay(sandbox, another)
    deliver(sandbox)
    sandbox.refund(session_of(top_up), 500)
    deliver(sandbox)

    page = text_of(shopper.get(page_of(top_up)))

    assert "This top-up is refunded in part" in page
    assert "500,000 credits ($5.00) of its 2,000,000 credits were taken back." in page
    assert "Top-up refunded−500,000 credits" in page.replace(" −", "−")
    assert "balance after it 11,500,000" in page
    assert page.index("Top-up refunded") < page.index("Paid through Stripe")
    assert "have landed" not in page


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


def test_somebody_elses_top_up_does_not_exist(shopper: Client) -> None:
    top_up = buy(shopper)
    stranger = people.browser_of(people.new_person())

    assert stranger.get(page_of(top_up)).status_code == 404
    assert shopper.get(f"{FORM}/{uuid4()}").status_code == 404


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


def test_a_threshold_is_set_changed_and_removed(shopper: Client) -> None:
    address = f"{PAGE}/low-balance-line"

    shopper.post(address, {"dollars": "2.50"})
    assert LowBalanceThreshold.objects.get().credits == 250_000
    assert "falls below 250,000 credits, $2.50" in text_of(shopper.get(PAGE))

    shopper.post(address, {"dollars": "10"})
    assert LowBalanceThreshold.objects.get().credits == 1_000_000

    shopper.post(address, {"dollars": ""})
    assert not LowBalanceThreshold.objects.exists()


@pytest.mark.parametrize("dollars", ["0", "-1", "1.234", "a lot", "1e99"])
def test_an_invalid_threshold_is_refused(shopper: Client, dollars: str) -> None:
    response = shopper.post(f"{PAGE}/low-balance-line", {"dollars": dollars})

    assert response.status_code == 422
    assert 'id="id_dollars_error"' in response.content.decode()
    assert not LowBalanceThreshold.objects.exists()


def test_the_balance_turns_amber_below_the_threshold(shopper: Client, workspace: Workspace) -> None:
    wallet = wallets.wallet_of(workspace)
    posting.post(wallet_id=wallet.pk, kind=EntryKind.GRANT, amount=10_000, reference="test")
    assert "pill-low" not in shopper.get(PAGE).content.decode()

    shopper.post(f"{PAGE}/low-balance-line", {"dollars": "0.11"})

    assert "pill-low" in shopper.get(PAGE).content.decode()


@pytest.fixture
def operator(db: None) -> Client:
    """The browser of a signed-in operator."""
    return people.browser_of(User.objects.create_superuser("operator@example.com", people.PASSWORD))


def test_an_operator_converges_by_hand(shopper: Client, sandbox: Sandbox, operator: Client) -> None:
    sandbox.set_faults(drop_types=["*"])
    top_up = buy(shopper)
    pay(sandbox, top_up)

    answer = operator.post(
        "/admin/billing/topup/",
        {"action": "converge_now", "_selected_action": str(top_up.pk)},
        follow=True,
    )

    assert f"{top_up.pk} is paid." in text_of(answer)
    top_up.refresh_from_db()
    assert top_up.state == TopUpState.PAID


def test_an_operator_sees_that_stripe_is_unavailable(
    shopper: Client, sandbox: Sandbox, operator: Client
) -> None:
    top_up = buy(shopper)
    sandbox.start_outage("server_error")

    answer = operator.post(
        "/admin/billing/topup/",
        {"action": "converge_now", "_selected_action": str(top_up.pk)},
        follow=True,
    )

    assert "An unknown error occurred" in text_of(answer)


def test_an_operator_sees_the_inbox(shopper: Client, sandbox: Sandbox, operator: Client) -> None:
    pay(sandbox, buy(shopper))
    deliver(sandbox)

    page = operator.get("/admin/billing/stripeevent/")

    assert "checkout.session.completed" in text_of(page)
