"""What the frame around every page shows: the workspace, the balance."""

from typing import Any

from django.http import HttpRequest

from accounts.access import current_membership
from billing.wallets import wallet_of


def frame(request: HttpRequest) -> dict[str, Any]:
    """Give templates the current membership and its api wallet, for signed-in people."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    membership = current_membership(request)
    if membership is None:
        return {}
    return {"membership": membership, "api_wallet": wallet_of(membership.workspace)}
