"""Scheduled actions: expiry, bank debits, disputes, slow refunds."""

from collections.abc import Callable

from stripe_sandbox import instruments
from stripe_sandbox.backend import Backend
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.flows import checkout, disputes, refunds
from stripe_sandbox.objects.details import Json


def run(backend: Backend, *, even_if_not_due: bool = False) -> int:
    """Run the due items, or all but expiries, in their order; return how many succeeded.

    An item whose action was done by a command in the meantime is refused by its flow, and dropped.
    """
    rows = backend.store.rows(
        "SELECT * FROM agenda WHERE due_at <= ? OR (? AND action <> 'expire_session')"
        " ORDER BY due_at, position",
        backend.now(),
        even_if_not_due,
    )
    done = 0
    for row in rows:
        backend.store.execute("DELETE FROM agenda WHERE position = ?", row["position"])
        obj = backend.store.get(row["object_id"])
        if obj is not None:
            done += _attempt(backend, _ACTIONS[row["action"]], obj)
    return done


def _attempt(backend: Backend, action: Callable[[Backend, Json], Json], obj: Json) -> bool:
    try:
        action(backend, obj)
    except InvalidRequest:
        return False
    return True


def _settle_payment(backend: Backend, intent: Json) -> Json:
    method = backend.get("payment_method", intent["payment_method"])
    fails = instruments.find(method["_instrument"]).decline is not None
    return checkout.settle(backend, intent, succeed=not fails)


def _open_inquiry(backend: Backend, charge: Json) -> Json:
    return disputes.open_dispute(backend, charge, inquiry=True)


def _succeed_refund(backend: Backend, refund: Json) -> Json:
    return refunds.finish(backend, refund, "succeeded")


def _fail_refund(backend: Backend, refund: Json) -> Json:
    return refunds.finish(backend, refund, "failed")


_ACTIONS: dict[str, Callable[[Backend, Json], Json]] = {
    "expire_session": checkout.expire,
    "settle_payment": _settle_payment,
    "open_dispute": disputes.open_dispute,
    "open_inquiry": _open_inquiry,
    "succeed_refund": _succeed_refund,
    "fail_refund": _fail_refund,
}
