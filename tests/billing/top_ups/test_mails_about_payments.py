"""Failed payments, refunds and disputes send mail, once for each movement."""

import re

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Membership, Role, User
from billing import outbox
from billing.models import AlertMail
from billing.stripe import convergence
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.shop import Buyer, deliver, paid, pay, session_of

BACKENDS = "tests.support.mail_servers"


def sent() -> list[str]:
    """Send what is due; return the subjects of all mails so far."""
    outbox.send_due()
    return [str(one.subject) for one in mail.outbox]


def test_a_refund_is_told_with_its_amount(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    assert sent() == []

    sandbox.refund(session_of(top_up), 500)
    deliver(sandbox)

    assert sent() == [f"500,000 apiCredits taken back from {buyer.workspace.name}"]
    [told] = mail.outbox
    assert told.to == [buyer.user.email]
    assert "was refunded" in told.body
    assert "500,000 apiCredits ($5.00)" in told.body
    assert f"/developers/billing/top-ups/{top_up.pk}\n" in told.body
    assert "/developers/usage/alerts" in told.body
    assert "Owed" not in told.body


def test_converging_again_tells_nothing_again(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    sandbox.refund(session_of(top_up), 500)
    deliver(sandbox)

    for _ in range(3):
        convergence.converge(top_up_id=top_up.pk)

    assert len(sent()) == 1


def test_credits_that_were_spent_already_are_told_as_owed(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    buyer.spend(1_900_000)

    sandbox.open_dispute(session_of(top_up))
    deliver(sandbox)

    assert sent() == [f"2,000,000 apiCredits taken back from {buyer.workspace.name}"]
    assert "The cardholder has disputed" in mail.outbox[0].body
    assert "Owed:      1,900,000 apiCredits ($19.00)" in mail.outbox[0].body


def test_a_dispute_that_is_won_is_told_too(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    dispute = sandbox.open_dispute(session_of(top_up))
    deliver(sandbox)
    sandbox.close_dispute(dispute["id"], "won")
    deliver(sandbox)

    assert sent()[1:] == [f"2,000,000 apiCredits returned to {buyer.workspace.name}"]
    assert "was won" in mail.outbox[1].body


def test_a_refund_that_fails_is_told_too(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    refund = sandbox.refund(session_of(top_up), 500)
    deliver(sandbox)
    sandbox.finish_refund(refund["id"], "failed")
    deliver(sandbox)

    assert sent()[1:] == [f"500,000 apiCredits returned to {buyer.workspace.name}"]


def test_a_debit_that_the_bank_does_not_carry_out_is_told(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()
    pay(sandbox, top_up, "bank_fails")
    deliver(sandbox)
    sandbox.settle(session_of(top_up), succeed=False)
    deliver(sandbox)
    convergence.converge(top_up_id=top_up.pk)

    assert sent() == [f"A payment of $20.00 has failed in {buyer.workspace.name}"]
    assert "Nothing was charged" in mail.outbox[0].body


@pytest.mark.parametrize("kind", ["refund", "dispute"])
def test_nothing_is_left_unfilled(buyer: Buyer, sandbox: Sandbox, kind: str) -> None:
    top_up = paid(buyer, sandbox)
    if kind == "refund":
        sandbox.refund(session_of(top_up))
    else:
        sandbox.open_dispute(session_of(top_up))
    deliver(sandbox)

    sent()

    assert not re.search(r"\{|None|  ,", str(mail.outbox[0].body))
    assert str(mail.outbox[0].body).count("http") == 3


def test_while_the_mail_server_is_unavailable_a_mail_waits(
    buyer: Buyer, sandbox: Sandbox, settings: Settings
) -> None:
    usual = settings.EMAIL_BACKEND
    top_up = paid(buyer, sandbox)
    sandbox.refund(session_of(top_up))
    deliver(sandbox)
    settings.EMAIL_BACKEND = f"{BACKENDS}.UnavailableMailServer"
    assert outbox.send_due() == 0
    settings.EMAIL_BACKEND = usual

    assert outbox.send_due() == 0  # its next attempt is a minute away
    AlertMail.objects.update(due_at=timezone.now())

    assert outbox.send_due() == 1
    assert outbox.send_due() == 0


def test_an_address_that_is_refused_keeps_nobody_from_their_mail(
    buyer: Buyer, sandbox: Sandbox, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = f"{BACKENDS}.ChoosyMailServer"
    other = User.objects.create_user("refused@example.com")
    Membership.objects.create(user=other, workspace=buyer.workspace, role=Role.BILLING)
    top_up = paid(buyer, sandbox)
    for cents in (500, 100):
        sandbox.refund(session_of(top_up), cents)
        deliver(sandbox)

    for _ in range(2):
        outbox.send_due()

    assert [one.to for one in mail.outbox] == [[buyer.user.email]] * 2
    assert AlertMail.objects.filter(given_up_at__isnull=False).count() == 2


def test_a_mail_has_one_message_id_however_often_it_is_sent(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    sandbox.refund(session_of(top_up))
    deliver(sandbox)

    outbox.send_due()
    AlertMail.objects.update(sent_at=None)  # the process died before its commit
    outbox.send_due()

    first, second = (one.extra_headers["Message-ID"] for one in mail.outbox)
    assert first == second
