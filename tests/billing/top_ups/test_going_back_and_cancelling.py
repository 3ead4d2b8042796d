"""A payment page that is left without paying, or closed by the person."""

from uuid import uuid4

from django.test import Client
from pytest_django.fixtures import Settings

from billing.models import TopUp, TopUpState
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.pages import FORM, PAGE, buy, filled_in, page_of
from tests.billing.top_ups.shop import deliver, pay
from tests.support import people
from tests.support.books import Books
from tests.support.reading import text_of


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
