"""`manage.py reconcile_stripe`: each paid object at Stripe has one converged top-up."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.audit.report import audit
from billing.models import TopUp
from billing.stripe.client import client
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.shop import Buyer, deliver, new_buyer, paid, pay, session_of


def reconcile(*options: str, grace: int = 0) -> dict[str, Any]:
    """Run the command; its exit code must agree with what it prints."""
    printed, exit_code = StringIO(), 0
    try:
        call_command("reconcile_stripe", *options, grace=grace, stdout=printed)
    except SystemExit as end:
        exit_code = int(str(end.code))
    report: dict[str, Any] = json.loads(printed.getvalue())
    assert exit_code == (0 if report["ok"] else 1)
    return report


def test_nothing_sold_is_nothing_wrong(buyer: Buyer) -> None:
    assert reconcile()["ok"]


def test_payments_in_every_state_agree(buyer: Buyer, sandbox: Sandbox) -> None:
    whole, partly, back = [paid(buyer, sandbox) for _ in range(3)]
    sandbox.refund(session_of(partly), 500)
    sandbox.open_dispute(session_of(partly), 300)
    sandbox.refund(session_of(back))
    buyer.start()  # open
    sandbox.expire(session_of(buyer.start()))
    deliver(sandbox)

    report = reconcile()

    assert (report["ok"], report["payments"], report["foreign"]) == (True, 3, 0)
    assert whole.credited or TopUp.objects.get(pk=whole.pk).credited


def test_a_payment_without_an_event_is_named_and_can_be_healed(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    sandbox.set_faults(drop_types=["*"])
    top_up = buyer.start()
    pay(sandbox, top_up)

    report = reconcile()
    assert not report["ok"]
    assert [one["top_up_id"] for one in report["differences"]] == [str(top_up.pk)]

    assert reconcile("--converge")["ok"]
    assert buyer.wallet.posted == 2_000_000


def test_what_has_just_happened_is_under_way_and_no_difference_yet(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    settled, refunded, disputed = [paid(buyer, sandbox) for _ in range(3)]
    sandbox.set_faults(drop_types=["*"])
    pay(sandbox, buyer.start())
    sandbox.refund(session_of(refunded), 500)
    sandbox.open_dispute(session_of(disputed))

    report = reconcile(grace=10)

    assert (report["ok"], report["payments"], report["under_way"]) == (True, 4, 3)
    assert settled.pk not in [one["top_up_id"] for one in reconcile()["differences"]]
    assert len(reconcile()["differences"]) == 3


def test_what_happened_a_while_ago_is_a_difference(buyer: Buyer, sandbox: Sandbox) -> None:
    sandbox.set_clock(-660)
    top_up = paid(buyer, sandbox)
    sandbox.set_faults(drop_types=["*"])
    sandbox.refund(session_of(top_up), 500)
    assert not reconcile(grace=10)["ok"]

    sandbox.set_clock(0)
    sandbox.refund(session_of(top_up), 500)

    assert reconcile(grace=10)["under_way"] == 1


def test_a_payment_that_waiting_cannot_heal_is_named_at_once(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    pay(sandbox, buyer.start())
    TopUp.objects.all().delete()

    assert len(reconcile(grace=10)["differences"]) == 1


def test_a_refund_without_an_event_is_named(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    sandbox.set_faults(drop_types=["*"])
    sandbox.refund(session_of(top_up), 500)

    assert not reconcile()["ok"]
    assert reconcile("--converge")["ok"]


def test_a_paid_session_of_ours_without_a_top_up_is_named(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()
    pay(sandbox, top_up)
    TopUp.objects.all().delete()

    report = reconcile()

    assert not report["ok"]
    assert report["differences"][0]["session_id"] == top_up.stripe_session_id


def test_credits_without_a_payment_are_named(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    TopUp.objects.update(stripe_session_id="cs_test_made_up")

    report = reconcile()

    assert not report["ok"]
    assert {one["top_up_id"] for one in report["differences"]} == {None, str(top_up.pk)}


def test_a_payment_that_the_ledger_knows_nothing_of_is_named(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    """The row's columns were set without a posting."""
    top_up = buyer.start()
    pay(sandbox, top_up)
    TopUp.objects.update(state="paid", credited=2_000_000, stripe_payment_intent_id="pi_1")

    assert "0 in the ledger" in reconcile()["differences"][0]["what"]
    assert audit().wallet_ids == {top_up.wallet_id}
    TopUp.objects.update(credited=0)


def test_a_payment_that_needs_review_is_named(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()
    TopUp.objects.update(amount_cents=1)
    pay(sandbox, top_up)
    deliver(sandbox)

    assert "amount" in reconcile("--converge")["differences"][0]["what"]


def test_sales_of_another_product_are_none_of_our_business(buyer: Buyer, sandbox: Sandbox) -> None:
    session = client().v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "http://other.localhost:9/",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": 700,
                        "product_data": {"name": "A mug"},
                    },
                }
            ],
        }
    )
    sandbox.pay(session.id)
    deliver(sandbox)

    report = reconcile()

    assert (report["ok"], report["payments"], report["foreign"]) == (True, 0, 1)


def test_more_payments_than_a_page_of_stripes_holds_are_all_compared(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    sandbox.set_faults(drop_types=["*"])
    buyers = [new_buyer() for _ in range(6)]
    for number in range(102):
        pay(sandbox, buyers[number % 6].start(dollars=5))

    assert len(reconcile()["differences"]) == 102
    report = reconcile("--converge")

    assert (report["ok"], report["payments"]) == (True, 102)
    assert [one.wallet.posted for one in buyers] == [17 * 500_000] * 6


def test_an_outage_is_an_error_and_no_finding(buyer: Buyer, sandbox: Sandbox) -> None:
    sandbox.start_outage("server_error")

    with pytest.raises(CommandError, match="comparison with Stripe failed"):
        reconcile()
