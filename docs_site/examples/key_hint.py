"""The key that samples name: the reader's own, or the variable that they export."""

from django.db.models import Q
from django.utils import timezone
from django.utils.html import escape

from accounts.models import Workspace
from docs_site.examples.snippets import ENVIRONMENT_VARIABLE
from keys.models import ApiKey

NO_KEY = ENVIRONMENT_VARIABLE


def of(workspace: Workspace | None) -> str:
    """Return the hint of the workspace's newest active key as HTML, else the variable's name."""
    if workspace is None:
        return NO_KEY
    active = ApiKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now()), workspace=workspace, revoked_at=None
    )
    hint = active.order_by("-created_at").values_list("hint", flat=True).first()
    return escape(hint) if hint else NO_KEY
