"""Mint and revoke API keys."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User, Workspace
from billing.ledger import wallets
from billing.models import Wallet
from keys import tokens
from keys.errors import KeyAlreadyMinted, TooManyKeys
from keys.models import ApiKey


class MintedKey(NamedTuple):
    """A new key and its token, which is stored nowhere."""

    key: ApiKey
    token: str


@transaction.atomic
def mint(
    *,
    workspace: Workspace,
    name: str,
    created_by: User,
    expires_at: datetime | None = None,
    allowed_models: tuple[str, ...] = (),
    form_id: UUID | None = None,
) -> MintedKey:
    """Make a key. The caller shows the token once and forgets it.

    Raises TooManyKeys, and KeyAlreadyMinted when `form_id` has made a key before: its token cannot
    be shown again, because only its digest is stored.
    """
    wallet = wallets.wallet_of(workspace)  # the wallet for its calls exists from now on
    wallets.locked(Wallet.objects.filter(pk=wallet.pk))  # counts one mint after the other
    token = tokens.new_token()
    properties = {
        "name": name,
        "digest": tokens.digest(token),
        "hint": tokens.hint(token),
        "created_by": created_by,
        "expires_at": expires_at,
        "allowed_models": list(allowed_models),
    }
    before = ApiKey.objects.filter(workspace=workspace, form_id=form_id)
    if form_id is None or not before.exists():
        _refuse_too_many(workspace)
    if form_id is None:
        return MintedKey(ApiKey.objects.create(workspace=workspace, **properties), token)
    key, is_new = ApiKey.objects.get_or_create(
        workspace=workspace, form_id=form_id, defaults=properties
    )
    if not is_new:
        raise KeyAlreadyMinted(key)
    return MintedKey(key, token)


def _refuse_too_many(workspace: Workspace) -> None:
    """Each usable key has places of its own for calls, and a place in the caches of processes."""
    usable = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    if (
        ApiKey.objects.filter(usable, workspace=workspace, revoked_at=None).count()
        >= settings.MAX_KEYS_PER_WORKSPACE
    ):
        raise TooManyKeys


@transaction.atomic
def revoke(*, key: ApiKey) -> None:
    """Revoke a key for good; the second time changes nothing.

    It locks the wallets that the key spends from. A hold is made under the same lock, after the key
    is read again, so none is made once this has returned.
    """
    wallets.locked(Wallet.objects.filter(workspace=key.workspace_id))
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
