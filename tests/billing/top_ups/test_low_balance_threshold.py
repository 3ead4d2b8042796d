"""The balance below which a mail is sent, as it is set on the billing page."""

import pytest
from django.test import Client

from accounts.models import Workspace
from billing.ledger import posting, wallets
from billing.models import EntryKind, LowBalanceThreshold
from tests.billing.top_ups.pages import PAGE
from tests.support.reading import text_of


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
