"""Posting single entries: once for each reference, chained, never below what is available."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from billing.errors import NotEnoughCredits, WalletMismatch
from billing.ledger import posting
from billing.models import EntryKind, LedgerEntry, Wallet
from tests.support.books import Books, open_books, subscription_wallet


def entries_of(books: Books) -> list[tuple[int, int, int]]:
    found = LedgerEntry.objects.filter(wallet_id=books.wallet_id).order_by("seq")
    return [(entry.seq, entry.amount, entry.balance_after) for entry in found]


def test_entries_are_numbered_and_chained(books: Books) -> None:
    books.give(50)
    posting.post(
        wallet_id=books.wallet_id, kind=EntryKind.ADJUSTMENT, amount=-250, reference="correction"
    )

    assert entries_of(books) == [(1, 1_000, 1_000), (2, 50, 1_050), (3, -250, 800)]
    assert (books.wallet().posted, books.wallet().seq) == (800, 3)


def test_the_second_time_nothing_moves_and_the_first_entry_comes_back(books: Books) -> None:
    first = posting.post(
        wallet_id=books.wallet_id, kind=EntryKind.TOP_UP, amount=500, reference="order:1"
    )

    second = posting.post(
        wallet_id=books.wallet_id, kind=EntryKind.TOP_UP, amount=500, reference="order:1"
    )

    assert second.seq == first.seq
    assert books.wallet().posted == 1_500


def test_a_reference_cannot_come_again_with_another_amount(books: Books) -> None:
    posting.post(wallet_id=books.wallet_id, kind=EntryKind.TOP_UP, amount=500, reference="order:1")

    with pytest.raises(WalletMismatch):
        posting.post(
            wallet_id=books.wallet_id, kind=EntryKind.TOP_UP, amount=501, reference="order:1"
        )

    assert books.wallet().posted == 1_500


def test_one_reference_names_one_movement_of_each_kind(books: Books) -> None:
    posting.post(wallet_id=books.wallet_id, kind=EntryKind.TOP_UP, amount=500, reference="order:1")
    posting.post(wallet_id=books.wallet_id, kind=EntryKind.REFUND, amount=-500, reference="order:1")

    assert books.wallet().posted == 1_000


def test_no_more_is_taken_than_is_available(books: Books) -> None:
    Wallet.objects.filter(pk=books.wallet_id).update(held=400)

    with pytest.raises(NotEnoughCredits) as refusal:
        posting.post(
            wallet_id=books.wallet_id, kind=EntryKind.REFUND, amount=-601, reference="refund"
        )

    assert (refusal.value.required, refusal.value.available) == (601, 600)
    assert entries_of(books) == [(1, 1_000, 1_000)]
    posting.post(wallet_id=books.wallet_id, kind=EntryKind.REFUND, amount=-600, reference="refund")
    assert books.wallet().posted == 400


def test_the_pools_are_never_mixed(books: Books) -> None:
    other = subscription_wallet(books)

    posting.post(wallet_id=other.pk, kind=EntryKind.GRANT, amount=70, reference="month")

    other.refresh_from_db()
    assert other.posted == 70
    assert books.wallet().posted == 1_000


@pytest.mark.django_db(transaction=True)
def test_many_at_once_post_one_reference_once() -> None:
    books = open_books()

    def post(_: int) -> int:
        try:
            return posting.post(
                wallet_id=books.wallet_id, kind=EntryKind.TOP_UP, amount=7, reference="order:1"
            ).seq
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        seqs = set(threads.map(post, range(16)))

    assert seqs == {1}
    assert entries_of(books) == [(1, 7, 7)]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_keep_the_chain_whole() -> None:
    books = open_books()

    def post(number: int) -> None:
        try:
            posting.post(
                wallet_id=books.wallet_id,
                kind=EntryKind.TOP_UP,
                amount=number + 1,
                reference=f"order:{number}",
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(post, range(40)))

    balance = 0
    for place, (seq, amount, balance_after) in enumerate(entries_of(books), start=1):
        balance += amount
        assert (seq, balance_after) == (place, balance)
    assert books.wallet().posted == balance == 820
