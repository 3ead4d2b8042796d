"""Refunds and disputes take credits back, spent or not; a failed or won one returns them."""

from pytest_django.fixtures import Settings

from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.shop import Buyer, Entry, deliver, entries_of, paid, session_of


def test_a_full_refund_takes_all_of_it(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)

    sandbox.refund(session_of(top_up))
    deliver(sandbox)

    top_up.refresh_from_db()
    assert (top_up.status, buyer.wallet.posted, buyer.wallet.owed) == ("refunded", 0, 0)
    assert entries_of(buyer.wallet) == [Entry("top_up", 2_000_000), Entry("refund", -2_000_000)]


def test_partial_refunds_take_their_part(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)

    for cents in (500, 1):
        sandbox.refund(session_of(top_up), cents)
        deliver(sandbox)

    top_up.refresh_from_db()
    assert (top_up.status, buyer.wallet.posted) == ("partly refunded", 1_499_000)
    assert entries_of(buyer.wallet)[1:] == [Entry("refund", -500_000), Entry("refund", -1_000)]


def test_a_refund_counts_while_it_is_on_its_way(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    refund = sandbox.refund(session_of(top_up), 500, outcome="pending")
    deliver(sandbox)
    assert buyer.wallet.posted == 1_500_000

    sandbox.finish_refund(refund["id"], "succeeded")
    deliver(sandbox)

    assert buyer.wallet.posted == 1_500_000


def test_a_refund_that_fails_gives_the_credits_back(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    refund = sandbox.refund(session_of(top_up), 500)
    deliver(sandbox)

    sandbox.finish_refund(refund["id"], "failed")
    deliver(sandbox)

    top_up.refresh_from_db()
    assert (top_up.status, buyer.wallet.posted) == ("paid", 2_000_000)
    assert entries_of(buyer.wallet)[1:] == [Entry("refund", -500_000), Entry("refund", 500_000)]


def test_more_refunds_than_stripe_lists_at_once_are_all_counted(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = paid(buyer, sandbox)

    for _ in range(13):
        sandbox.refund(session_of(top_up), 100)
    deliver(sandbox)

    assert buyer.wallet.posted == 700_000


def test_a_dispute_takes_the_credits_and_winning_it_brings_them_back(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = paid(buyer, sandbox)
    dispute = sandbox.open_dispute(session_of(top_up))
    deliver(sandbox)
    top_up.refresh_from_db()
    assert (top_up.status, buyer.wallet.posted) == ("disputed", 0)

    sandbox.close_dispute(dispute["id"], "won")
    deliver(sandbox)

    top_up.refresh_from_db()
    assert (top_up.status, buyer.wallet.posted) == ("paid", 2_000_000)
    assert entries_of(buyer.wallet)[1:] == [
        Entry("dispute", -2_000_000),
        Entry("dispute", 2_000_000),
    ]


def test_a_lost_dispute_keeps_them_away(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    dispute = sandbox.open_dispute(session_of(top_up), 1_500)
    deliver(sandbox)

    sandbox.close_dispute(dispute["id"], "lost")
    deliver(sandbox)

    assert buyer.wallet.posted == 500_000


def test_an_inquiry_moves_nothing_until_it_becomes_a_dispute(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = paid(buyer, sandbox)
    inquiry = sandbox.open_dispute(session_of(top_up), inquiry=True)
    deliver(sandbox)
    assert buyer.wallet.posted == 2_000_000

    sandbox.escalate_dispute(inquiry["id"])
    deliver(sandbox)

    assert buyer.wallet.posted == 0


def test_what_was_spent_is_owed(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    buyer.spend(1_700_000)

    sandbox.refund(session_of(top_up))
    deliver(sandbox)

    assert (buyer.wallet.posted, buyer.wallet.owed) == (0, 1_700_000)
    assert entries_of(buyer.wallet)[1:] == [Entry("refund", -300_000)]


def test_the_next_top_up_repays_first(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    buyer.spend(1_700_000)
    sandbox.refund(session_of(top_up))
    deliver(sandbox)

    paid(buyer, sandbox, dollars=50)

    assert (buyer.wallet.posted, buyer.wallet.owed) == (3_300_000, 0)
    assert entries_of(buyer.wallet)[2:] == [
        Entry("top_up", 5_000_000),
        Entry("adjustment", -1_700_000),
    ]


def test_a_small_top_up_repays_what_it_can(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    buyer.spend(2_000_000)
    sandbox.refund(session_of(top_up))
    deliver(sandbox)

    paid(buyer, sandbox, dollars=5)

    assert (buyer.wallet.posted, buyer.wallet.owed) == (0, 1_500_000)


def test_a_dispute_that_is_won_clears_the_debt_it_made(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    buyer.spend(1_700_000)
    dispute = sandbox.open_dispute(session_of(top_up))
    deliver(sandbox)
    assert (buyer.wallet.posted, buyer.wallet.owed) == (0, 1_700_000)

    sandbox.close_dispute(dispute["id"], "won")
    deliver(sandbox)

    assert (buyer.wallet.posted, buyer.wallet.owed) == (300_000, 0)


def test_what_running_calls_hold_is_not_taken_from_under_them(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = paid(buyer, sandbox)
    call = buyer.hold(600_000)

    sandbox.refund(session_of(top_up))
    deliver(sandbox)
    assert (buyer.wallet.posted, buyer.wallet.held, buyer.wallet.owed) == (600_000,) * 3

    buyer.void(call)  # what it held is available again
    paid(buyer, sandbox, dollars=5)

    assert (buyer.wallet.posted, buyer.wallet.held, buyer.wallet.owed) == (500_000, 0, 0)


def test_tax_that_goes_back_takes_its_share_and_never_more(
    buyer: Buyer, sandbox: Sandbox, settings: Settings
) -> None:
    settings.STRIPE_AUTOMATIC_TAX = True
    top_up = paid(buyer, sandbox)  # $20 and $2 of tax

    sandbox.refund(session_of(top_up), 1_100)
    deliver(sandbox)
    assert buyer.wallet.posted == 1_000_000

    sandbox.refund(session_of(top_up))
    deliver(sandbox)
    assert (buyer.wallet.posted, buyer.wallet.owed) == (0, 0)


def test_a_bank_that_takes_back_what_was_refunded_takes_no_credits_twice(
    buyer: Buyer, sandbox: Sandbox
) -> None:
    top_up = paid(buyer, sandbox)
    sandbox.refund(session_of(top_up), 1_500)
    deliver(sandbox)

    sandbox.open_dispute(session_of(top_up), 2_000)
    deliver(sandbox)

    top_up.refresh_from_db()
    assert (top_up.refunded, top_up.disputed) == (1_500_000, 500_000)
    assert (buyer.wallet.posted, buyer.wallet.owed) == (0, 0)
