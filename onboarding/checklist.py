"""The checklist of a new workspace; its steps are ticked from the workspace's own data."""

from typing import NamedTuple

from django.utils import timezone

from accounts.models import Membership, Workspace
from billing.models import TopUp, TopUpState
from keys.models import ApiKey
from usage.models import RequestRecord


class FirstRun(NamedTuple):
    """The steps that are done; `call` is the first call, once there is one."""

    has_key: bool
    call: RequestRecord | None
    has_topped_up: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.has_key and self.call is not None and self.has_topped_up


def progress(workspace: Workspace) -> FirstRun:
    """Read from the workspace's keys, calls and payments which steps are done."""
    calls = RequestRecord.objects.filter(workspace=workspace).order_by("accepted_at", "id")
    top_ups = TopUp.objects.filter(wallet__workspace=workspace, state=TopUpState.PAID)
    return FirstRun(
        has_key=ApiKey.objects.filter(workspace=workspace).exists(),
        call=calls.first(),
        has_topped_up=top_ups.exists(),
    )


def close(membership: Membership) -> None:
    """Dismiss the checklist for this person; the second time changes nothing."""
    Membership.objects.filter(pk=membership.pk, first_run_closed_at=None).update(
        first_run_closed_at=timezone.now()
    )
