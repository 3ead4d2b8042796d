"""Open, find and lock wallets."""

from django.db.models import QuerySet

from accounts.models import Workspace
from billing.models import Pool, Wallet


def wallet_of(workspace: Workspace, *, pool: Pool = Pool.API) -> Wallet:
    """Return the workspace's wallet; it is opened, empty, when first asked for."""
    wallet, _ = Wallet.objects.get_or_create(workspace=workspace, pool=pool)
    return wallet


def locked(wallets: "QuerySet[Wallet]") -> list[Wallet]:
    """Lock the wallets' rows, in id order so that two callers never wait for each other."""
    return list(wallets.order_by("id").select_for_update(of=("self",)))
