"""The ledger's page shows the movements of a kind and of days, and what they add up to."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User, Workspace
from billing.ledger import cuts, wallets
from billing.models import EntryKind, LedgerEntry, Wallet
from billing.pages import ledger_filter, ledger_page
from billing.pages.ledger_filter import LedgerFilter
from tests.support import people
from tests.support.reading import text_of

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 3, 20, tzinfo=UTC)
# With clocks that change on different days, and at quarter hours from UTC.
ZONES = [
    ZoneInfo(name)
    for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham")
]
Moved = tuple[EntryKind, int, datetime]


def posted(wallet: Wallet, moved: list[Moved]) -> list[LedgerEntry]:
    """Append these movements, oldest first."""
    balance, entries = wallet.posted, []
    for seq, (kind, amount, at) in enumerate(moved, start=wallet.seq + 1):
        balance += amount
        entries.append(
            LedgerEntry(
                wallet=wallet,
                seq=seq,
                kind=kind,
                amount=amount,
                balance_after=balance,
                reference=f"test-{seq}",
                created_at=at,
            )
        )
    LedgerEntry.objects.bulk_create(entries)
    wallet.posted, wallet.seq = balance, wallet.seq + len(entries)
    wallet.save()
    return entries


@st.composite
def ledgers(draw: st.DrawFn) -> list[Moved]:
    at, balance, moved = FIRST, 0, []
    for _ in range(draw(st.integers(0, 40))):
        at += timedelta(minutes=draw(st.integers(0, 2 * 24 * 60)))
        kind = draw(st.sampled_from(list(EntryKind)))
        size = draw(st.integers(1, 1_000))
        takes = kind in (EntryKind.USAGE, EntryKind.REFUND, EntryKind.DISPUTE)
        amount = -min(size, balance) if takes else size
        balance += amount
        moved.append((kind, amount, at))
    return moved


DAYS = st.none() | st.dates(date(2026, 3, 15), date(2026, 6, 15))
FILTERS = st.builds(
    LedgerFilter, st.none() | st.sampled_from(list(EntryKind)), DAYS, DAYS, st.sampled_from(ZONES)
)


def passes(entry: LedgerEntry, wanted: LedgerFilter) -> bool:
    day = entry.created_at.astimezone(wanted.zone).date()
    return (
        (wanted.kind is None or entry.kind == wanted.kind)
        and (wanted.first is None or wanted.first <= day)
        and (wanted.last is None or day <= wanted.last)
    )


def all_pages(wallet: Wallet, wanted: LedgerFilter) -> list[int]:
    extent = ledger_page.extent_of(wallet, wanted.since, wanted.until)
    found: list[int] = []
    before: int | None = None
    while True:
        page = ledger_page.page_of(wallet, wanted, extent, before=before)
        found += [one.seq for one in page.entries]
        before = page.older_before
        if before is None:
            return found


@given(moved=ledgers(), wanted=FILTERS)
def test_the_pages_have_each_movement_that_passes_once_and_the_totals_are_their_sum(
    moved: list[Moved], wanted: LedgerFilter
) -> None:
    wallet = wallets.wallet_of(people.workspace_of(people.new_person()))
    expected = [one for one in posted(wallet, moved) if passes(one, wanted)]

    assert all_pages(wallet, wanted) == [one.seq for one in reversed(expected)]
    extent = ledger_page.extent_of(wallet, wanted.since, wanted.until)
    totals = ledger_page.totals(wallet, wanted, extent)
    assert totals.entries == len(expected)
    assert totals.credits == sum(one.amount for one in expected)
    if wanted.kind is None:
        assert totals.opening + totals.credits == totals.closing


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("usage", "2 movements, −5 credits"),
        ("grant", "2 movements, +15 credits"),
        ("", "4 movements, +10 credits"),
    ],
)
def test_a_kind_adds_up_without_the_others(
    browser: Client, workspace: Workspace, kind: str, text: str
) -> None:
    kinds = (EntryKind.GRANT, EntryKind.USAGE, EntryKind.GRANT, EntryKind.USAGE)
    moved = [(one, size, FIRST) for one, size in zip(kinds, (10, -3, 5, -2), strict=True)]
    posted(wallets.wallet_of(workspace), moved)

    assert text in text_of(browser.get(f"/developers/billing/ledger?kind={kind}"))


@given(wanted=FILTERS)
def test_an_address_leads_to_the_filter_that_wrote_it(wanted: LedgerFilter) -> None:
    params = dict(part.split("=") for part in wanted.address().split("&") if part)

    assert ledger_filter.parse(params, zone=wanted.zone) == wanted


@pytest.mark.parametrize(
    "query", ["kind=nothing", "from=yesterday", "from=2026-02-30", "to=0002-01-01", "to=%00"]
)
def test_what_is_not_understood_filters_nothing(
    browser: Client, workspace: Workspace, query: str
) -> None:
    posted(wallets.wallet_of(workspace), [(EntryKind.GRANT, 7, FIRST)])

    assert "1 movement, +7 credits" in text_of(browser.get(f"/developers/billing/ledger?{query}"))


def test_transactions_side_by_side_are_cut_at_the_same_place_for_good(workspace: Workspace) -> None:
    """A ledger that has grown is halved at other numbers, where times may be out of order."""
    wallet, midnight = wallets.wallet_of(workspace), FIRST + timedelta(days=1)
    seconds = (-9, -8, 3, -7, 2, 4, -6, 5, 6, 7)
    posted(wallet, [(EntryKind.GRANT, 1, midnight + timedelta(seconds=one)) for one in seconds])
    found = {cuts.last_seq_before(wallet, midnight)}
    for _ in range(20):
        posted(wallet, [(EntryKind.GRANT, 1, midnight + timedelta(hours=1))])
        found.add(cuts.last_seq_before(wallet, midnight))

    assert found == {7}


@given(moved=ledgers(), swaps=st.lists(st.integers(0, 38), max_size=6), data=st.data())
def test_balances_before_several_moments_are_those_before_each(
    moved: list[Moved], swaps: list[int], data: st.DataObject
) -> None:
    wallet = wallets.wallet_of(people.workspace_of(people.new_person()))
    times = [at for _, _, at in moved]
    for place in swaps:  # transactions that ran side by side
        times[place : place + 2] = times[place : place + 2][::-1]
    posted(wallet, [(*one[:2], at) for one, at in zip(moved, times, strict=True)])
    near = st.sampled_from([FIRST, *times]).flatmap(
        lambda at: st.sampled_from([-1, 0, 1]).map(lambda us: at + timedelta(microseconds=us))
    )
    moments = data.draw(st.lists(near, max_size=9))

    expected = [cuts.last_seq_before(wallet, one) for one in moments]
    assert cuts.balances_before(wallet, moments) == [
        cuts.balance_at(wallet, seq) if seq else None for seq in expected
    ]


def test_days_are_those_of_the_viewer(browser: Client, person: User, workspace: Workspace) -> None:
    person.time_zone = "Asia/Kathmandu"
    person.save()
    late = datetime(2026, 3, 20, 18, 14, tzinfo=UTC)  # 23:59 in Kathmandu
    posted(
        wallets.wallet_of(workspace),
        [
            (EntryKind.GRANT, 1_111, late),
            (EntryKind.GRANT, 2_222, late + timedelta(minutes=1)),
        ],
    )

    page = text_of(browser.get("/developers/billing/ledger?from=2026-03-21&to=2026-03-21"))

    assert "Days of Asia/Kathmandu" in page
    assert "+2,222" in page
    assert "from a balance of 1,111 to 3,333" in page


def test_the_links_keep_the_filter(browser: Client, workspace: Workspace) -> None:
    moved = [(EntryKind.GRANT, 1, FIRST)] * (ledger_page.PAGE_SIZE + 1)
    posted(wallets.wallet_of(workspace), moved)

    page = browser.get("/developers/billing/ledger?kind=grant&from=2026-03-01").content.decode()

    query = "kind=grant&amp;from=2026-03-01"
    assert f'href="/developers/billing/ledger?{query}&amp;before=2"' in page
    [file] = re.findall(r'href="/developers/usage/export/ledger\?([^"]*jsonl)"', page)
    assert file.startswith("kind=grant&amp;from=2026-03-20&amp;to=")


def test_days_in_the_wrong_order_are_named(browser: Client, workspace: Workspace) -> None:
    posted(wallets.wallet_of(workspace), [(EntryKind.GRANT, 7, FIRST)])

    page = text_of(browser.get("/developers/billing/ledger?from=2026-03-21&to=2026-03-20"))

    assert "The last day is before the first" in page
