"""Open, find, lock and freeze wallets."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Workspace
from billing.models import FrozenFor, Pool, Wallet


def wallet_of(workspace: Workspace, *, pool: Pool = Pool.API) -> Wallet:
    """Return the workspace's wallet; the first call creates it, empty."""
    wallet, _ = Wallet.objects.get_or_create(workspace=workspace, pool=pool)
    return wallet


def locked(wallets: "QuerySet[Wallet]") -> list[Wallet]:
    """Lock the wallets' rows, in id order so that two callers never wait for each other."""
    return list(wallets.order_by("id").select_for_update(of=("self",)))


@transaction.atomic
def freeze(wallet_ids: Collection[int], *, why: FrozenFor = FrozenFor.AUDIT) -> None:
    """Refuse new calls on these wallets; running calls end normally. One that is frozen stays so,
    since the first moment; a fault in its books is the graver reason."""
    wallets = Wallet.objects.filter(pk__in=wallet_ids, frozen_at=None)
    if wallet_ids and locked(wallets):
        wallets.update(frozen_at=timezone.now(), frozen_for=why)
    if why is FrozenFor.AUDIT:
        Wallet.objects.filter(pk__in=wallet_ids, frozen_for=FrozenFor.LOSSES).update(frozen_for=why)


def unfreeze(wallet_id: int) -> None:
    """Admit calls on the wallet again. Losses of before count no more."""
    Wallet.objects.filter(pk=wallet_id).update(
        frozen_at=None, frozen_for="", unfrozen_at=timezone.now()
    )
