"""A person buys credits: every way in which a payment can end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from billing.errors import PaymentsNotConfigured, TooManyOpenTopUps
from billing.models import StripeCustomer, StripeEvent, TopUp, TopUpState
from billing.stripe import inbox, top_ups
from stripe_sandbox.client import Sandbox, SandboxRefused
from tests.billing.top_ups.shop import (
    Buyer,
    Entry,
    at_once,
    database_url,
    deliver,
    entries_of,
    new_buyer,
    pay,
    process_due_events,
    session_of,
    suspend_refreshes,
)
from tests.support.books import waiting_sessions
from tests.support.waiting import eventually

SESSIONS = "/v1/checkout/sessions"


def test_paid_credits_are_posted(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start(dollars=20)

    pay(sandbox, top_up)
    deliver(sandbox)

    top_up.refresh_from_db()
    assert top_up.state == TopUpState.PAID
    assert (buyer.wallet.posted, buyer.wallet.owed) == (2_000_000, 0)
    assert entries_of(buyer.wallet) == [Entry("top_up", 2_000_000)]
    assert "/receipts/" in top_up.receipt_url


def test_nothing_is_credited_before_it_is_paid(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()

    assert top_ups.refresh(top_up=top_up).top_up.state == TopUpState.PENDING
    assert buyer.wallet.posted == 0


def test_the_return_page_credits_without_any_webhook(buyer: Buyer, sandbox: Sandbox) -> None:
    sandbox.set_faults(drop_types=["*"])
    top_up = buyer.start()
    pay(sandbox, top_up)

    assert top_ups.refresh(top_up=top_up).top_up.state == TopUpState.PAID
    assert buyer.wallet.posted == 2_000_000


def test_a_waiting_page_asks_stripe_only_now_and_then(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()
    before = len(sandbox.requests())

    top_up = top_ups.refresh(top_up=top_up).top_up
    suspend_refreshes(top_up)
    for _ in range(4):
        top_up = top_ups.refresh(top_up=top_up).top_up
    assert len(sandbox.requests()) == before + 1

    TopUp.objects.update(asked_at=timezone.now() - timedelta(seconds=2.1))
    top_ups.refresh(top_up=top_up)
    assert len(sandbox.requests()) == before + 2


def test_a_declined_card_leaves_the_page_open_for_another(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()

    pay(sandbox, top_up, "4000000000000002")
    deliver(sandbox)
    assert top_ups.refresh(top_up=top_up).top_up.state == TopUpState.PENDING
    pay(sandbox, top_up)
    deliver(sandbox)

    top_up.refresh_from_db()
    assert top_up.state == TopUpState.PAID
    assert entries_of(buyer.wallet) == [Entry("top_up", 2_000_000)]


def test_a_card_that_needs_authentication_is_credited_after_it(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = buyer.start()
    pay(sandbox, top_up, "4000002500003155")
    deliver(sandbox)
    assert buyer.wallet.posted == 0

    sandbox.authenticate(session_of(top_up))
    deliver(sandbox)

    assert buyer.wallet.posted == 2_000_000


def test_a_bank_debit_is_processing_until_the_bank_has_paid(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()
    pay(sandbox, top_up, "bank_succeeds")
    deliver(sandbox)
    top_up.refresh_from_db()
    assert (top_up.state, buyer.wallet.posted) == (TopUpState.PROCESSING, 0)

    sandbox.settle(session_of(top_up))
    deliver(sandbox)

    top_up.refresh_from_db()
    assert (top_up.state, buyer.wallet.posted) == (TopUpState.PAID, 2_000_000)


def test_a_bank_debit_that_is_refused_has_failed(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()
    pay(sandbox, top_up, "bank_fails")
    deliver(sandbox)

    sandbox.settle(session_of(top_up), succeed=False)
    deliver(sandbox)

    top_up.refresh_from_db()
    assert (top_up.state, buyer.wallet.posted) == (TopUpState.FAILED, 0)


def test_a_page_that_nobody_pays_on_expires(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()

    sandbox.expire(session_of(top_up))
    deliver(sandbox)

    top_up.refresh_from_db()
    assert (top_up.state, buyer.wallet.posted) == (TopUpState.EXPIRED, 0)


def test_a_page_that_stripe_makes_while_its_top_up_is_cancelled_is_closed(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = buyer.fill_in(uuid4())
    top_ups.cancel(top_up=TopUp.objects.get(pk=top_up.pk))

    page = buyer.open_page(top_up)  # as it was read before the cancellation

    assert page is None
    top_up.refresh_from_db()
    assert top_up.status == "cancelled"
    with pytest.raises(SandboxRefused):
        pay(sandbox, top_up)
    deliver(sandbox)
    assert buyer.wallet.posted == 0


def test_a_page_that_stays_open_by_an_outage_is_shown_to_nobody_and_its_payment_counts(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    buyer.start()  # makes the customer
    top_up = buyer.fill_in(uuid4())
    top_ups.cancel(top_up=TopUp.objects.get(pk=top_up.pk))
    sandbox.start_outage("server_error", path="/v1/checkout/sessions/", method="POST")

    assert buyer.open_page(top_up) is None

    sandbox.clear_outage()
    pay(sandbox, top_up)
    deliver(sandbox)
    assert buyer.wallet.posted == 2_000_000


def test_cancelling_closes_a_page_that_was_opened_a_moment_ago(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = buyer.fill_in(uuid4())
    buyer.open_page(TopUp.objects.get(pk=top_up.pk))

    cancelled = top_ups.cancel(top_up=top_up)  # as it was read before

    assert cancelled.status == "cancelled"
    with pytest.raises(SandboxRefused):
        pay(sandbox, cancelled)


def test_the_same_form_sent_twice_is_one_payment(buyer: Buyer, sandbox: Sandbox) -> None:
    form_id = uuid4()

    pages = {buyer.open_page(buyer.fill_in(form_id)) for _ in range(2)}

    assert len(pages) == 1
    assert TopUp.objects.get().pk == form_id


def test_the_same_form_with_another_amount_is_another_payment(buyer: Buyer) -> None:
    form_id = uuid4()

    first = buyer.fill_in(form_id, dollars=5)
    second = buyer.fill_in(form_id, dollars=9)

    assert first.pk != second.pk
    assert (first.credits, second.credits) == (500_000, 900_000)


def test_the_form_of_an_expired_payment_starts_a_new_one(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start(dollars=5)
    sandbox.expire(session_of(top_up))
    deliver(sandbox)

    again = buyer.fill_in(top_up.pk, dollars=5)

    assert again.pk != top_up.pk
    assert again.state == TopUpState.PENDING


def test_nobody_can_take_over_the_top_up_of_another_workspace(buyer: Buyer) -> None:
    theirs = buyer.start(dollars=5)
    stranger = new_buyer()

    own = stranger.fill_in(theirs.pk, dollars=5)

    assert own.pk != theirs.pk
    assert own.wallet == stranger.wallet


def test_nothing_is_left_to_pay_on_the_page_of_a_paid_top_up(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = buyer.start()
    pay(sandbox, top_up)

    assert buyer.open_page(top_up) is None  # paid, and its event is not processed yet
    deliver(sandbox)
    top_up.refresh_from_db()
    assert buyer.open_page(top_up) is None


def test_a_workspace_is_one_customer_at_stripe(buyer: Buyer, sandbox: Sandbox) -> None:
    buyer.start()
    buyer.start(dollars=50)

    customers = [one for one in sandbox.requests() if one["path"] == "/v1/customers"]
    assert len(customers) == 1
    assert StripeCustomer.objects.get().workspace == buyer.workspace


def test_the_session_is_asked_for_as_promised(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()

    [asked] = [one for one in sandbox.requests() if one["path"] == "/v1/checkout/sessions"]
    assert asked["idempotency_key"] == str(top_up.pk)
    assert asked["params"]["client_reference_id"] == str(top_up.pk)
    assert asked["api_version"] == "2026-10-28.endive"


def test_tax_comes_on_top_and_buys_no_credits(
    buyer: Buyer, sandbox: Sandbox, settings: Settings
) -> None:
    settings.STRIPE_AUTOMATIC_TAX = True
    top_up = buyer.start()

    session = pay(sandbox, top_up)["session"]
    deliver(sandbox)

    assert session["amount_total"] == 2_200
    assert buyer.wallet.posted == 2_000_000


def test_the_receipt_is_the_invoice_where_invoices_are_made(
    buyer: Buyer, sandbox: Sandbox, settings: Settings
) -> None:
    settings.STRIPE_INVOICE_CREATION = True
    top_up = buyer.start()

    pay(sandbox, top_up)
    deliver(sandbox)

    top_up.refresh_from_db()
    assert "/invoices/" in top_up.receipt_url


def test_nobody_can_open_pages_without_end(buyer: Buyer, sandbox: Sandbox) -> None:
    opened = [buyer.start(dollars=5) for _ in range(20)]

    with pytest.raises(TooManyOpenTopUps):
        buyer.start(dollars=5)

    assert buyer.fill_in(opened[3].pk, dollars=5) == opened[3]  # continuing one starts no new one
    sandbox.expire(session_of(opened[0]))
    deliver(sandbox)
    assert buyer.start(dollars=5)


@pytest.mark.parametrize("state", [TopUpState.PENDING, TopUpState.FAILED])
def test_one_form_sent_twice_at_once_is_one_purchase(
    buyer: Buyer, sandbox: Sandbox, state: TopUpState
) -> None:
    form_id = uuid4()
    if state != TopUpState.PENDING:  # a second attempt with the form of one that failed
        TopUp.objects.filter(pk=buyer.fill_in(form_id).pk).update(state=state)
    urls: list[str | None] = []

    def send(_: str) -> None:
        urls.append(buyer.open_page(buyer.fill_in(form_id)))

    with ThreadPoolExecutor(1) as thread, psycopg.connect(database_url()) as other:
        # Both have looked for the top-up before either can write it.
        other.execute("LOCK TABLE billing_topup IN SHARE ROW EXCLUSIVE MODE")
        sent = thread.submit(at_once, send, ["first", "second"], threads=2)
        eventually(lambda: waiting_sessions() == 2)
        other.rollback()
        sent.result()

    assert len(set(urls)) == 1
    assert TopUp.objects.filter(state=TopUpState.PENDING).count() == 1
    sessions = {one["idempotency_key"] for one in sandbox.requests() if one["path"] == SESSIONS}
    assert len(sessions) == 1


def test_another_amount_in_the_same_form_is_one_purchase_of_its_own(buyer: Buyer) -> None:
    form_id = uuid4()
    first = buyer.fill_in(form_id, dollars=5)

    changed = [buyer.fill_in(form_id, dollars=20) for _ in range(2)]

    assert changed[0] == changed[1] != first
    assert buyer.fill_in(form_id, dollars=5) == first


def test_the_form_of_somebody_else_buys_for_oneself(buyer: Buyer) -> None:
    other = new_buyer()
    theirs = other.fill_in(uuid4())

    mine = buyer.fill_in(theirs.pk)

    assert (mine.wallet_id, theirs.wallet_id) == (buyer.wallet.pk, other.wallet.pk)


def test_nothing_can_be_bought_without_a_stripe_key(buyer: Buyer, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""

    with pytest.raises(PaymentsNotConfigured):
        buyer.start()
    assert not TopUp.objects.exists()


def test_events_of_another_product_are_processed_without_effect(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    """Another product sells through the same Stripe account."""
    with_session = buyer.start()
    pay(sandbox, with_session)
    sandbox.refund(session_of(with_session))
    TopUp.objects.all().delete()

    deliver(sandbox)

    assert StripeEvent.objects.filter(processed_at=None).count() == 0
    assert StripeEvent.objects.exclude(top_up=None).count() == 0
    assert buyer.wallet.posted == 0


def test_old_events_are_forgotten(buyer: Buyer, sandbox: Sandbox) -> None:
    pay(sandbox, buyer.start())
    deliver(sandbox)
    done = StripeEvent.objects.get(type="checkout.session.completed")
    StripeEvent.objects.update(processed_at="2020-01-01T00:00:00Z")

    assert inbox.forget_old(kept=timedelta(days=35), batch=1) == 1
    process_due_events()
    assert not StripeEvent.objects.filter(pk=done.pk).exists()
