"""The checklist of a new workspace; its steps are ticked from the workspace's own data."""

from typing import NamedTuple

from django.utils import timezone

from accounts.models import Membership, Workspace
from billing.ledger.wallets import wallet_of
from billing.models import TopUp, TopUpState
from keys.models import ApiKey
from usage.models import RequestRecord
from usage.refusals import Refusal, last_refusal


class FirstRun(NamedTuple):
    """The steps that are done; `call` is the first call that was answered, once there is one.

    Until then `refusal` is the last refused one. `has_credits`: calls can be paid for.
    """

    has_key: bool
    call: RequestRecord | None
    refusal: Refusal | None
    has_topped_up: bool
    has_credits: bool

    @property
    def version(self) -> str:
        """What a page shows of it, for its polls."""
        steps = (self.has_key, self.call is not None, self.has_topped_up, self.has_credits)
        refused = self.refusal.request_id if self.refusal else ""
        return "".join(f"{step:d}" for step in steps) + refused

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.has_key and self.call is not None and self.is_paid_for

    @property
    def is_paid_for(self) -> bool:
        """Whether a top-up was paid, and some credits are left."""
        return self.has_topped_up and self.has_credits


def progress(workspace: Workspace) -> FirstRun:
    """Read from the workspace's keys, calls and payments which steps are done."""
    calls = RequestRecord.objects.filter(workspace=workspace, error_type="")
    call = calls.order_by("accepted_at", "id").first()
    top_ups = TopUp.objects.filter(wallet__workspace=workspace, state=TopUpState.PAID)
    return FirstRun(
        has_key=ApiKey.objects.filter(workspace=workspace).exists(),
        call=call,
        refusal=None if call else last_refusal(workspace.pk),
        has_topped_up=top_ups.exists(),
        has_credits=wallet_of(workspace).posted > 0,
    )


def close(membership: Membership) -> None:
    """Dismiss the checklist for this person; the second time changes nothing."""
    Membership.objects.filter(pk=membership.pk, first_run_closed_at=None).update(
        first_run_closed_at=timezone.now()
    )


def reopen(membership: Membership) -> None:
    """Show the checklist to this person again."""
    Membership.objects.filter(pk=membership.pk).update(first_run_closed_at=None)
