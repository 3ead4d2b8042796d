"""Book what Stripe says about a top-up: the ledger is told the difference to what it was told."""

from billing.ledger import clawback
from billing.models import EntryKind, TopUp
from billing.stripe.payments import Verdict


def book(top_up: TopUp, verdict: Verdict) -> None:
    """Move what the ledger lacks, and note on the row what it has been told; what comes in comes
    first. The second time, with the same verdict, nothing moves.

    To be called in a transaction that has locked the row.
    """
    moves = [
        (EntryKind.TOP_UP, verdict.credited - top_up.credited),
        (EntryKind.REFUND, top_up.refunded - verdict.refunded),
        (EntryKind.DISPUTE, top_up.disputed - verdict.disputed),
    ]
    for kind, amount in sorted(moves, key=lambda move: move[1] < 0):
        if amount:
            _move(top_up, kind, amount)
    top_up.credited = verdict.credited
    top_up.refunded = verdict.refunded
    top_up.disputed = verdict.disputed
    top_up.save(update_fields=["credited", "refunded", "disputed", "steps"])


def _move(top_up: TopUp, kind: EntryKind, amount: int) -> None:
    top_up.steps += 1
    act = clawback.give if amount > 0 else clawback.take
    act(
        wallet_id=top_up.wallet_id,
        kind=kind,
        amount=abs(amount),
        reference=f"{top_up.id}:{top_up.steps}",
        reason=_REASONS[kind, amount > 0],
    )


_REASONS = {
    (EntryKind.TOP_UP, True): "Paid through Stripe",
    (EntryKind.REFUND, False): "Top-up refunded",
    (EntryKind.REFUND, True): "A refund of the top-up failed",
    (EntryKind.DISPUTE, False): "Top-up disputed by the cardholder",
    (EntryKind.DISPUTE, True): "Dispute over the top-up won",
}
