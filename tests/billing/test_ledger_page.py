"""The balance and the ledger on the billing page, and the balance in the top bar."""

import re
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from billing.ledger import posting, wallets
from billing.models import EntryKind, Hold, HoldState, LedgerEntry, Pool, Source, TopUp, Wallet
from billing.pages import statement
from billing.pages.ledger_page import PAGE_SIZE
from tests.support import people
from tests.support.reading import text_of
from web.templatetags.display import exact_time

SCRIPT = {"hx-request": "true"}


@pytest.fixture
def wallet(workspace: Workspace) -> Wallet:
    return wallets.wallet_of(workspace)


def move(wallet: Wallet, amount: int, reason: str = "") -> LedgerEntry:
    kind = EntryKind.USAGE if amount < 0 else EntryKind.GRANT
    return posting.post(
        wallet_id=wallet.pk, kind=kind, amount=amount, reference=str(uuid.uuid4()), reason=reason
    )


def hold(wallet: Wallet, amount: int) -> None:
    Hold.objects.create(
        wallet=wallet,
        id=uuid.uuid4(),
        source=Source.API,
        amount=amount,
        owner=1,
        accepted_at=timezone.now(),
        state=HoldState.HELD,
    )
    Wallet.objects.filter(pk=wallet.pk).update(held=wallet.held + amount)


def see(browser: Client, query: str = "") -> str:
    return text_of(browser.get(f"/developers/billing{query}"))


def see_ledger(browser: Client, query: str = "") -> str:
    return text_of(browser.get(f"/developers/billing/ledger{query}"))


def test_the_balance_stands_with_its_dollars_and_each_movement_with_what_it_left(
    browser: Client, wallet: Wallet
) -> None:
    move(wallet, 500_000, reason="Welcome credits")
    used = move(wallet, -12)

    text = see(browser)

    assert "499,988 credits, $5.00" in text
    when = f"just now {exact_time(used.created_at)}"
    assert f"Usage req_{uuid.UUID(used.reference).hex} {when} −12 −$0.00012 499,988" in text
    assert used.reference not in text
    assert "+500,000 $5.00 500,000" in text
    assert text.index("−12 ") < text.index("+500,000")


def test_it_says_how_many_more_calls_the_balance_lasts_for(browser: Client, wallet: Wallet) -> None:
    move(wallet, 1_030)
    assert "more requests" not in see(browser)
    move(wallet, -10)
    move(wallet, -20)

    assert "About 66 more requests at your recent average of 15 credits." in see(browser)


def test_the_average_is_that_of_the_last_hundred_calls(wallet: Wallet) -> None:
    move(wallet, 1_000_000)
    move(wallet, -500_000)
    for _ in range(100):
        move(wallet, -10)
    wallet.refresh_from_db()

    assert statement.runway(wallet) == (wallet.available // 10, 10.0)


def test_rows_lead_to_the_call_and_to_the_top_up(browser: Client, wallet: Wallet) -> None:
    move(wallet, 500_000)
    used = move(wallet, -12)
    top_up = TopUp.objects.create(wallet=wallet, amount_cents=500, credits=500_000)
    posting.post(wallet_id=wallet.pk, kind=EntryKind.TOP_UP, amount=1, reference=f"{top_up.pk}:1")

    page = browser.get("/developers/billing").content.decode()

    assert f'href="/developers/usage/requests/req_{uuid.UUID(used.reference).hex}"' in page
    assert f'href="/developers/billing/top-ups/{top_up.pk}">Top-up</a>' in page


def test_the_balance_counts_what_running_calls_hold_and_explains_it(
    browser: Client, wallet: Wallet
) -> None:
    move(wallet, 1_000)
    assert "Nothing is held" in see(browser)

    hold(wallet, 300)

    text = see(browser)
    assert "1,000 credits, $0.01" in text
    assert "300 credits ($0.00300) of them are held for 1 running call;" in text
    assert "1,000 credits · $0.01" in text  # the pill in the top bar


@pytest.mark.parametrize("page", ["", "keys", "usage", "billing", "settings"])
def test_members_of_a_frozen_workspace_see_why_its_calls_fail(
    browser: Client, wallet: Wallet, page: str
) -> None:
    address = f"/developers/{page}"
    assert "are paused" not in text_of(browser.get(address))

    Wallet.objects.filter(pk=wallet.pk).update(frozen_at=timezone.now())

    assert "Calls from this workspace are paused." in text_of(browser.get(address))


def test_the_subscription_pool_stands_apart(browser: Client, workspace: Workspace) -> None:
    subscription = wallets.wallet_of(workspace, pool=Pool.SUBSCRIPTION)
    move(subscription, 777, reason="Monthly credits")

    text = see(browser)

    assert "777 credits ($0.00777) A pool of its own: API traffic never touches it." in text
    assert "Monthly credits" not in text
    assert "0 credits, $0.00" in text


def test_pages_lead_through_the_whole_ledger_once(browser: Client, wallet: Wallet) -> None:
    for number in range(2 * PAGE_SIZE + 1):
        move(wallet, 1_000 + number)

    query: str | None = ""
    seen: list[int] = []
    while query is not None:
        page = browser.get(f"/developers/billing/ledger{query}").content.decode()
        seen += [
            int(found.replace(",", "")) for found in re.findall(r'in"><data[^>]*>\+([\d,]+)<', page)
        ]
        older = re.search(r'href="/developers/billing/ledger(\?before=\d+)"', page)
        query = older.group(1) if older else None

    assert seen == [1_000 + number for number in reversed(range(2 * PAGE_SIZE + 1))]


@pytest.mark.parametrize("before", ["x", "-1", "1e9", "9" * 40, "9" * 5000, "²"])
def test_a_broken_address_shows_the_newest(browser: Client, wallet: Wallet, before: str) -> None:
    move(wallet, 5, reason="The newest")

    assert "The newest" in see_ledger(browser, f"?before={before}")


def test_without_movements_the_page_says_what_will_be_listed(browser: Client) -> None:
    assert "No movement yet" in see(browser)
    assert "No movement yet" in see_ledger(browser)


def test_the_billing_page_has_the_newest_and_leads_to_all(browser: Client, wallet: Wallet) -> None:
    for number in range(11):
        move(wallet, 1_000 + number)

    page = see(browser)

    assert "+1,010" in page
    assert "+1,001" in page
    assert "+1,000 " not in page
    assert "+1,000 " in see_ledger(browser)


def test_somebody_elses_ledger_does_not_show(wallet: Wallet) -> None:
    move(wallet, 123_456, reason="Private")
    stranger = people.browser_of(people.new_person())

    assert "Private" not in see(stranger)
    assert "Private" not in see_ledger(stranger)
    assert "123,456" not in see(stranger)


def test_the_top_bar_polls_the_balance_and_gets_a_204_until_it_changes(
    browser: Client, wallet: Wallet
) -> None:
    move(wallet, 1_000)
    page = browser.get("/docs/quickstart").content.decode()
    [poll] = re.findall(r'hx-get="(/developers/balance\?[^"]+)"', page)
    assert browser.get(poll, headers=SCRIPT).status_code == 204

    move(wallet, 500)

    fragment = browser.get(poll, headers=SCRIPT).content.decode()
    assert "1,500" in fragment
    assert "<html" not in fragment


def test_low_empty_and_overdrawn_are_three_words(browser: Client, wallet: Wallet) -> None:
    assert "0 credits · $0.00 Empty" in see(browser)

    move(wallet, 999)
    assert "999 credits · $0.00999 Running low" in see(browser)

    Wallet.objects.filter(pk=wallet.pk).update(owed=5)
    page = see(browser)
    assert "Overdrawn" in page
    assert "Running low" not in page


def test_the_top_bar_shows_the_balance_amber_when_it_runs_low(
    browser: Client, wallet: Wallet
) -> None:
    move(wallet, 999)
    assert "pill-low" in browser.get("/docs/quickstart").content.decode()

    move(wallet, 1)

    page = browser.get("/docs/quickstart").content.decode()
    assert "pill-low" not in page
    assert "1,000" in page
    assert "$0.01" in page
