"""What a key's own page shows of its calls."""

from keys.models import ApiKey
from usage.models import RequestRecord
from usage.refusals import Refusal, last_refusal


def has_answer(key: ApiKey) -> bool:
    """Whether a call with the key has been answered."""
    calls = RequestRecord.objects.filter(workspace_id=key.workspace_id, key=key, error_type="")
    return calls.filter(accepted_at__gte=key.created_at).exists()


def refusal_of(key: ApiKey) -> Refusal | None:
    """Return the workspace's last refused call if it was made with this key."""
    refusal = last_refusal(key.workspace_id)
    return refusal if refusal and refusal.key_id == key.pk else None
