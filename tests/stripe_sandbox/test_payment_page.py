"""The payment page without JavaScript, and its redirects."""

from urllib.parse import urljoin

import pytest
import requests
import stripe

from stripe_sandbox.client import Sandbox
from tests.stripe_sandbox.library import Checkout
from tests.stripe_sandbox.receiver import Receiver

THREE_D_SECURE = "4000002500003155"


def press(url: str, **form: str) -> requests.Response:
    return requests.post(url, data=form, allow_redirects=False, timeout=60)


def look(url: str) -> requests.Response:
    return requests.get(url, timeout=60)


def session_now(api: stripe.StripeClient, session_id: str) -> stripe.checkout.Session:
    return api.v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent"]})


def test_the_page_shows_the_sandbox_and_the_price(checkout: Checkout) -> None:
    page = look(str(checkout().url))

    assert page.status_code == 200
    assert "Stripe sandbox" in page.text
    assert "no real money" in page.text
    assert "2,000,000 apiCredits" in page.text
    assert "Pay $20.00" in page.text
    assert 'href="http://shop.localhost:9/billing"' in page.text


def test_the_policy_allows_only_the_way_back(checkout: Checkout) -> None:
    headers = look(str(checkout().url)).headers

    policy = headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://shop.localhost:9" in policy
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "form",
    [
        {"number": "4242 4242 4242 4242", "email": "a@b.example"},
        {"number": "5555-5555-5555-4444", "instrument": ""},
        {"instrument": "4242424242424242", "number": "4000000000000002"},
    ],
)
def test_a_good_card_pays_and_leads_back(
    api: stripe.StripeClient,
    receiver: Receiver,
    sandbox: Sandbox,
    checkout: Checkout,
    form: dict[str, str],
) -> None:
    session = checkout()

    answer = press(str(session.url), **form)
    sandbox.wait_until_delivered()

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://shop.localhost:9/done?session={session.id}"
    paid = session_now(api, session.id)
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details is not None
    assert paid.customer_details.email == form.get("email", "payer@example.com")
    assert sorted(receiver.types) == [
        "charge.succeeded",
        "charge.updated",
        "checkout.session.completed",
        "payment_intent.created",
        "payment_intent.succeeded",
    ]


def test_a_declined_card_says_so_and_can_be_replaced(
    api: stripe.StripeClient, receiver: Receiver, sandbox: Sandbox, checkout: Checkout
) -> None:
    session = checkout()

    answer = press(str(session.url), instrument="4000000000000002")
    page = look(urljoin(str(session.url), answer.headers["Location"]))
    declined = session_now(api, session.id)
    press(str(session.url), instrument="4242424242424242")
    sandbox.wait_until_delivered()

    assert "Your card was declined." in page.text
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    paid = session_now(api, session.id)
    assert paid.payment_status == "paid"
    assert isinstance(declined.payment_intent, stripe.PaymentIntent)
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    assert paid.payment_intent.id == declined.payment_intent.id
    assert {"charge.failed", "payment_intent.payment_failed"} <= set(receiver.types)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("4242424242424241", "Your card number is incorrect."),
        ("", "Your card number is incorrect."),
        ("4111111111111111", "This is a sandbox: use a test card."),
        ("<script>alert(1)</script>", "Your card number is incorrect."),
    ],
)
def test_a_number_that_is_no_test_card_is_refused_beside_its_field(
    api: stripe.StripeClient, checkout: Checkout, number: str, message: str
) -> None:
    session = checkout()

    answer = press(str(session.url), number=number, email="kept@b.example")

    assert answer.status_code == 422
    assert message in answer.text
    assert 'value="kept@b.example"' in answer.text
    assert "<script" not in answer.text
    assert session_now(api, session.id).payment_intent is None


@pytest.mark.parametrize(("answer", "status"), [("complete", "paid"), ("fail", "unpaid")])
def test_3d_secure_asks_on_a_second_page(
    api: stripe.StripeClient, checkout: Checkout, answer: str, status: str
) -> None:
    session = checkout()

    challenged = press(str(session.url), number=THREE_D_SECURE)
    challenge = challenged.headers["Location"]
    page = look(challenge)
    waiting = session_now(api, session.id)
    answered = press(challenge, answer=answer)

    assert isinstance(waiting.payment_intent, stripe.PaymentIntent)
    assert waiting.payment_intent.status == "requires_action"
    assert "$20.00" in page.text
    assert "Complete" in page.text
    assert "form-action 'self' http://shop.localhost:9" in page.headers["Content-Security-Policy"]
    now = session_now(api, session.id)
    assert now.payment_status == status
    if status == "paid":
        assert answered.headers["Location"].startswith("http://shop.localhost:9/done")
    else:
        back = look(urljoin(str(session.url), answered.headers["Location"]))
        assert "unable to authenticate" in back.text


def test_leaving_a_challenge_and_paying_otherwise(
    api: stripe.StripeClient, checkout: Checkout
) -> None:
    session = checkout()
    challenge = press(str(session.url), number=THREE_D_SECURE).headers["Location"]

    press(str(session.url), instrument="4242424242424242")
    late = press(challenge, answer="fail")

    assert late.status_code == 200
    assert "Already answered" in late.text
    assert session_now(api, session.id).payment_status == "paid"


def test_a_card_that_is_disputed_later(
    api: stripe.StripeClient, receiver: Receiver, sandbox: Sandbox, checkout: Checkout
) -> None:
    session = checkout()
    press(str(session.url), instrument="4000000000000259")
    assert api.v1.disputes.list().data == []

    sandbox.run_agenda()
    sandbox.wait_until_delivered()

    paid = session_now(api, session.id)
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    disputes = api.v1.disputes.list({"payment_intent": paid.payment_intent.id}).data
    assert [(one.status, one.amount, one.reason) for one in disputes] == [
        ("needs_response", 2000, "fraudulent")
    ]
    assert "charge.dispute.created" in receiver.types


@pytest.mark.parametrize(
    ("method", "status", "last"),
    [
        ("bank_succeeds", "paid", "checkout.session.async_payment_succeeded"),
        ("bank_fails", "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_a_bank_debit_ends_later(
    api: stripe.StripeClient,
    receiver: Receiver,
    sandbox: Sandbox,
    checkout: Checkout,
    method: str,
    status: str,
    last: str,
) -> None:
    session = checkout()

    answer = press(str(session.url), instrument=method)
    waiting = session_now(api, session.id)
    sandbox.run_agenda()
    sandbox.wait_until_delivered()

    assert answer.headers["Location"].startswith("http://shop.localhost:9/done")
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert isinstance(waiting.payment_intent, stripe.PaymentIntent)
    assert waiting.payment_intent.status == "processing"
    assert session_now(api, session.id).payment_status == status
    assert last in receiver.types


def test_bank_debits_are_offered_only_where_the_session_takes_them(
    api: stripe.StripeClient, checkout: Checkout
) -> None:
    session = checkout(payment_method_types=["card"])

    page = look(str(session.url))
    forced = press(str(session.url), instrument="bank_succeeds")

    assert "Bank debit" not in page.text
    assert forced.status_code == 422
    assert session_now(api, session.id).status == "open"


def test_a_session_can_be_expired_from_the_page(
    api: stripe.StripeClient, receiver: Receiver, sandbox: Sandbox, checkout: Checkout
) -> None:
    session = checkout()
    url = str(session.url)

    answer = press(f"{url}/expire")
    page = look(urljoin(url, answer.headers["Location"]))
    late = press(url, instrument="4242424242424242")
    sandbox.wait_until_delivered()

    assert "This page has expired" in page.text
    assert "This page has expired" in late.text
    expired = session_now(api, session.id)
    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    assert receiver.types == ["checkout.session.expired"]


def test_paying_twice_is_not_possible(api: stripe.StripeClient, checkout: Checkout) -> None:
    session = checkout()
    url = str(session.url)

    press(url, instrument="4242424242424242")
    again = press(url, instrument="4242424242424242")

    assert "You are done here" in again.text
    assert f"http://shop.localhost:9/done?session={session.id}" in again.text
    assert len(api.v1.charges.list().data) == 1


def test_tax_is_shown_and_added(api: stripe.StripeClient, checkout: Checkout) -> None:
    session = checkout(automatic_tax={"enabled": True})

    page = look(str(session.url))
    press(str(session.url), instrument="4242424242424242")

    assert (session.amount_subtotal, session.amount_total) == (2000, 2000)
    assert session.automatic_tax.status == "requires_location_inputs"
    assert "$22.00" in page.text
    paid = session_now(api, session.id)
    assert (paid.amount_subtotal, paid.amount_total) == (2000, 2200)
    assert paid.total_details is not None
    assert paid.total_details.amount_tax == 200
    assert paid.automatic_tax.status == "complete"
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    assert paid.payment_intent.amount == 2200


def test_receipts_and_invoices_have_pages(api: stripe.StripeClient, checkout: Checkout) -> None:
    session = checkout(invoice_creation={"enabled": True})
    press(str(session.url), instrument="4242424242424242")

    paid = api.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge", "invoice"]}
    )
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    assert isinstance(paid.payment_intent.latest_charge, stripe.Charge)
    assert isinstance(paid.invoice, stripe.Invoice)
    receipt = look(str(paid.payment_intent.latest_charge.receipt_url))
    invoice = look(str(paid.invoice.hosted_invoice_url))

    assert (receipt.status_code, invoice.status_code) == (200, 200)
    assert "$20.00" in receipt.text
    assert str(paid.invoice.number) in invoice.text


def test_an_unknown_page_is_a_page(checkout: Checkout) -> None:
    url = str(checkout().url)

    answer = look(url + "x")

    assert answer.status_code == 404
    assert "Not found" in answer.text
