"""The page of a top-up in each of its states."""

from uuid import uuid4

import pytest
from django.test import Client

from billing.ledger import posting
from billing.models import EntryKind, TopUp, TopUpState
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.pages import FORM, PAGE, buy, page_of
from tests.billing.top_ups.shop import deliver, pay, session_of, suspend_refreshes
from tests.support import people
from tests.support.books import Books, booked
from tests.support.reading import text_of
from web.templatetags.display import exact_time


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


def test_landed_credits_lead_back_to_the_first_steps_until_these_are_closed(
    shopper: Client, sandbox: Sandbox
) -> None:
    top_up = buy(shopper)
    pay(sandbox, top_up)
    deliver(sandbox)
    assert "Back to the first steps" in text_of(shopper.get(page_of(top_up)))

    shopper.post("/developers/checklist/close")

    assert "Back to the first steps" not in text_of(shopper.get(page_of(top_up)))


def test_it_leads_to_its_ledger_entries_and_each_of_them_back(
    shopper: Client, sandbox: Sandbox
) -> None:
    top_up = buy(shopper)
    pay(sandbox, top_up)
    deliver(sandbox)
    entry = top_up.wallet.entries.get(kind=EntryKind.TOP_UP)

    page = shopper.get(page_of(top_up)).content.decode()

    ledger = f"/developers/billing/ledger?before={entry.seq + 1}"
    assert f'href="{ledger}#entry-{entry.seq}"' in page
    _, _, row = shopper.get(ledger).content.decode().partition(f'id="entry-{entry.seq}"')
    assert f'href="{page_of(top_up)}"' in row.partition("</tr>")[0]


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


def test_what_happened_has_the_end_of_a_payment_and_its_time(
    shopper: Client, sandbox: Sandbox
) -> None:
    top_up = buy(shopper)
    assert "Payment page open" in text_of(shopper.get(page_of(top_up)))

    sandbox.expire(session_of(top_up))
    suspend_refreshes(top_up)
    deliver(sandbox)
    shopper.get(page_of(top_up))

    ended = TopUp.objects.get(pk=top_up.pk)
    assert ended.state_since is not None
    told = f"Payment page expired; nothing was paid just now ({exact_time(ended.state_since)})"
    assert told in text_of(shopper.get(page_of(top_up)))
    ended.refresh_from_db()
    shopper.get(page_of(top_up))
    assert TopUp.objects.get(pk=top_up.pk).state_since == ended.state_since


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


def test_somebody_elses_top_up_does_not_exist(shopper: Client) -> None:
    top_up = buy(shopper)
    stranger = people.browser_of(people.new_person())

    assert stranger.get(page_of(top_up)).status_code == 404
    assert shopper.get(f"{FORM}/{uuid4()}").status_code == 404
