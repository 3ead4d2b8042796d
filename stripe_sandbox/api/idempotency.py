"""Saved answers for `Idempotency-Key`, as docs.stripe.com/api/idempotent_requests describes.

Once the endpoint has begun to execute, the first answer is saved, 500s included, and repeated for
a day. Other parameters are an error. An answer is not saved when validation failed or when the key
was in use by a running request.
"""

import hashlib
import json
from typing import NamedTuple

from stripe_sandbox.backend import Backend
from stripe_sandbox.errors import IdempotencyMismatch, InvalidRequest, KeyInUse
from stripe_sandbox.forms import Tree
from stripe_sandbox.store import Json

_RETENTION_S = 86_400


class Saved(NamedTuple):
    request_id: str
    status: int
    body: Json


class IdempotencyKeys:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._in_use: set[str] = set()

    def acquire(self, key: str, endpoint: str, params: Tree) -> Saved | None:
        """The saved answer, or None: then the caller holds the key until `release`."""
        if len(key) > 255:
            raise InvalidRequest("Idempotency-Key can be at most 255 characters long.")
        if key in self._in_use:
            raise KeyInUse(
                "There is currently another in-progress request using this Idempotent Key (that "
                "probably means you submitted twice, and the other request is still going "
                f"through): {key}. Please try again later."
            )
        self._delete_old()
        rows = self._backend.store.rows("SELECT * FROM answers WHERE idempotency_key = ?", key)
        if not rows:
            self._in_use.add(key)
            return None
        row = rows[0]
        if row["endpoint"] != endpoint:
            raise IdempotencyMismatch(
                "Keys for idempotent requests can only be used for the same endpoint they were "
                f"first used for ('{endpoint}' vs '{row['endpoint']}'). Try using a key other "
                f"than '{key}' if you meant to execute a different request."
            )
        if row["fingerprint"] != _fingerprint(params):
            raise IdempotencyMismatch(
                "Keys for idempotent requests can only be used with the same parameters they "
                f"were first used with. Try using a key other than '{key}' if you meant to "
                "execute a different request."
            )
        return Saved(row["request_id"], row["status"], json.loads(row["body"]))

    def save(self, key: str, endpoint: str, params: Tree, saved: Saved) -> None:
        """Call in the transaction of the request itself."""
        self._backend.store.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
            key,
            self._backend.now(),
            endpoint,
            _fingerprint(params),
            saved.request_id,
            saved.status,
            json.dumps(saved.body),
        )

    def release(self, key: str) -> None:
        self._in_use.discard(key)

    def _delete_old(self) -> None:
        oldest = self._backend.now() - _RETENTION_S
        self._backend.store.execute("DELETE FROM answers WHERE created < ?", oldest)


def _fingerprint(params: Tree) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
