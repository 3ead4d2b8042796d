"""Stripe is unavailable, slow, or refuses: nothing is posted twice and nothing is lost."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.errors import StripeRefused, StripeUnavailable
from billing.models import StripeCustomer, StripeEvent, TopUp, TopUpState
from billing.stripe import reconciliation, top_ups
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.shop import (
    Buyer,
    Entry,
    deliver,
    entries_of,
    pay,
    process_due_events,
    suspend_refreshes,
)


def sessions_at(sandbox: Sandbox) -> int:
    """The number of sessions that Stripe has created for us: responses that were no replay."""
    return sum(
        one["path"] == "/v1/checkout/sessions" and one["status"] == 200 and not one["replayed"]
        for one in sandbox.requests()
    )


@pytest.mark.parametrize("kind", ["server_error", "rate_limited"])
def test_a_form_sent_again_after_an_outage_opens_one_page(
    buyer: Buyer, sandbox: Sandbox, kind: str
) -> None:
    form_id = uuid4()
    sandbox.start_outage(kind)
    with pytest.raises(StripeUnavailable):
        buyer.open_page(buyer.fill_in(form_id))
    sandbox.clear_outage()

    assert buyer.open_page(buyer.fill_in(form_id))

    assert sessions_at(sandbox) == 1
    assert TopUp.objects.get().pk == form_id


def test_a_page_that_was_opened_although_we_saw_an_error_is_not_opened_twice(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    """Stripe's library retries with the same key, and gets the page of its first attempt."""
    buyer.start()  # makes the customer
    sandbox.start_outage("server_error", path="/v1/checkout", applied=True, requests=1)
    form_id = uuid4()

    assert buyer.open_page(buyer.fill_in(form_id))

    tries = [one for one in sandbox.requests() if one["idempotency_key"] == str(form_id)]
    assert [(one["status"], one["replayed"]) for one in tries] == [(500, False), (200, True)]


def test_an_error_that_stripe_would_replay_needs_a_new_top_up(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    buyer.start()
    form_id = uuid4()
    sandbox.start_outage("server_error", path="/v1/checkout", kept=True, requests=1)
    with pytest.raises(StripeUnavailable):
        buyer.open_page(buyer.fill_in(form_id))

    again = buyer.fill_in(form_id)

    assert again.pk != form_id
    assert TopUp.objects.get(pk=form_id).state == TopUpState.FAILED
    assert buyer.open_page(again)


def test_a_customer_that_was_deleted_at_stripe_is_created_again(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    buyer.start()
    StripeCustomer.objects.update(stripe_id="cus_gone")

    with pytest.raises(StripeRefused):
        buyer.start()

    assert buyer.open_page(buyer.fill_in(uuid4()))


def test_an_event_waits_until_stripe_answers(buyer: Buyer, sandbox: Sandbox) -> None:
    pay(sandbox, buyer.start())
    sandbox.start_outage("server_error")
    deliver(sandbox)
    event = StripeEvent.objects.get()
    assert event.processed_at is None
    assert event.error.startswith("StripeUnavailable")
    assert event.due_at > timezone.now()

    sandbox.clear_outage()
    StripeEvent.objects.update(due_at=timezone.now())
    process_due_events()

    assert entries_of(buyer.wallet) == [Entry("top_up", 2_000_000)]
    assert StripeEvent.objects.get().error == ""


def test_each_attempt_waits_longer_than_the_one_before(buyer: Buyer, sandbox: Sandbox) -> None:
    pay(sandbox, buyer.start())
    sandbox.wait_until_delivered()
    sandbox.start_outage("rate_limited")

    for minutes in (0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60):
        before = timezone.now()
        StripeEvent.objects.update(due_at=before)
        process_due_events()
        due_at = StripeEvent.objects.get().due_at
        assert before <= due_at - timedelta(minutes=minutes) <= timezone.now()


def test_the_return_page_shows_no_failure_while_stripe_is_unavailable(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = buyer.start()
    pay(sandbox, top_up)
    sandbox.start_outage("server_error")

    assert top_ups.refresh(top_up=top_up) == (top_up, True)
    suspend_refreshes(top_up)
    assert top_ups.refresh(top_up=top_up) == (top_up, None)  # not asked again at once
    assert top_up.state == TopUpState.PENDING


def test_the_reconciliation_stops_at_the_first_answer_that_fails(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    for _ in range(3):
        buyer.start()
    sandbox.start_outage("rate_limited")
    before = len(sandbox.requests())

    with pytest.raises(StripeUnavailable):
        reconciliation.converge_open()

    assert len(sandbox.requests()) <= before + 2


def test_a_top_up_that_never_got_a_page_is_closed_after_a_day(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = buyer.fill_in(uuid4())
    young = buyer.fill_in(uuid4())
    TopUp.objects.filter(pk=top_up.pk).update(created_at=timezone.now() - timedelta(hours=25))

    reconciliation.converge_open()

    states = dict(TopUp.objects.values_list("pk", "state"))
    assert states == {top_up.pk: TopUpState.EXPIRED, young.pk: TopUpState.PENDING}
