"""Stripe and mail servers may respond later than a transaction may idle otherwise."""

import time
from collections.abc import Iterator, Sequence

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from billing import outbox
from billing.alerts import low_balance
from billing.external_wait import external_wait
from billing.models import TopUpState
from billing.stripe import convergence
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.shop import Buyer, pay
from tests.support.books import open_books

# Above any pause of a busy machine, which would otherwise end transactions that wait for nothing.
LIMIT_S = 5
LONGER_S = 6.5


class SlowMailServer(BaseEmailBackend):
    """Accepts a mail only after the idle limit."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        time.sleep(LONGER_S)
        mail.outbox += email_messages
        return len(email_messages)


@pytest.fixture
def short_limit(transactional_db: None) -> Iterator[None]:
    """Sessions that may not idle in a transaction for as long as in production."""
    options = connection.settings_dict["OPTIONS"]
    before = options["options"]
    options["options"] = f"{before} -c idle_in_transaction_session_timeout={LIMIT_S}s"
    connection.close()
    yield
    options["options"] = before
    connection.close()


def idle_limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        return str(cursor.fetchone()[0])


def test_a_slow_response_of_stripe_is_posted(
    buyer: Buyer, sandbox: Sandbox, short_limit: None
) -> None:
    top_up = buyer.start()
    pay(sandbox, top_up)
    sandbox.start_outage("slow", delay_s=LONGER_S, requests=1)

    assert convergence.converge(top_up_id=top_up.pk).state == TopUpState.PAID


def test_a_slow_mail_server_gets_its_mail_once(short_limit: None, settings: Settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.SlowMailServer"
    books = open_books(1_000)
    low_balance.set_threshold(wallet=books.wallet(), credits=600)
    books.give(-500)

    assert low_balance.watch() == 1
    assert outbox.send_due() == 1
    assert outbox.send_due() == 0
    assert len(mail.outbox) == 1


def test_the_limit_holds_again_after_the_answer(short_limit: None) -> None:
    with transaction.atomic():
        with external_wait():
            assert idle_limit() == "2min"
        assert idle_limit() == f"{LIMIT_S}s"
