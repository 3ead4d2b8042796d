"""The queries of the billing page: top-ups, their stories, and the balance's runway."""

from datetime import timedelta
from typing import NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import Count, Sum
from django.utils import timezone

from billing.models import EntryKind, LedgerEntry, TopUp, Wallet

_TOP_UPS_SHOWN = 10
_RECENT_CALLS = 100  # that the average cost is taken over
_TAKES_BACK = (EntryKind.REFUND, EntryKind.DISPUTE)
_FRESH = timedelta(minutes=30)


class Runway(NamedTuple):
    """The number of calls that the balance lasts for, at the average cost of recent ones."""

    calls: int
    average_credits: float


class Story(NamedTuple):
    """What a top-up moved. `repaid` went to a debt; `taken_back` left the wallet again.

    `is_fresh`: the last movement is so recent that somebody may be waiting for it.
    """

    entries: list[LedgerEntry]
    repaid: int
    taken_back: int
    is_fresh: bool


def runway(wallet: Wallet) -> Runway | None:
    """Return the balance's runway, or None before the first call that cost something."""
    recent = LedgerEntry.objects.filter(wallet=wallet, kind=EntryKind.USAGE, amount__lt=0)
    spent = LedgerEntry.objects.filter(
        wallet=wallet, seq__in=recent.order_by("-seq").values("seq")[:_RECENT_CALLS]
    ).aggregate(credits=Sum("amount"), calls=Count("seq"))
    if not spent["calls"]:
        return None
    average = -spent["credits"] / spent["calls"]
    return Runway(int(wallet.posted // average), average)


def top_up_page(wallet: Wallet, number: str) -> Page[TopUp]:
    """Return the page of the wallet's top-ups, newest first, that is nearest to `number`."""
    return Paginator(TopUp.objects.filter(wallet=wallet), _TOP_UPS_SHOWN).get_page(number)


def story_of(top_up: TopUp) -> Story:
    """Return the movements of a top-up, oldest first, and what they add up to."""
    entries = list(
        LedgerEntry.objects.filter(
            wallet_id=top_up.wallet_id, reference__startswith=f"{top_up.id}:"
        ).order_by("seq")
    )
    return Story(
        entries=entries,
        repaid=-sum(one.amount for one in entries if one.kind == EntryKind.ADJUSTMENT),
        taken_back=-sum(one.amount for one in entries if one.kind in _TAKES_BACK),
        is_fresh=bool(entries) and timezone.now() - entries[-1].created_at < _FRESH,
    )
