"""`expand[]=payment_intent.latest_charge`: ids replaced by the objects they name."""

from collections.abc import Callable

from stripe_sandbox.backend import Backend
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.objects.details import Json, list_of
from stripe_sandbox.store import Condition

_MAX_DEPTH = 4

_REFERENCES: dict[str, frozenset[str]] = {
    "balance_transaction": frozenset({"source"}),
    "charge": frozenset({"balance_transaction", "customer", "payment_intent"}),
    "checkout.session": frozenset({"customer", "invoice", "payment_intent", "setup_intent"}),
    "dispute": frozenset({"charge", "payment_intent"}),
    "invoice": frozenset({"customer"}),
    "invoice_payment": frozenset({"invoice"}),
    "payment_intent": frozenset({"customer", "latest_charge", "payment_method"}),
    "payment_method": frozenset({"customer"}),
    "refund": frozenset(
        {"balance_transaction", "charge", "failure_balance_transaction", "payment_intent"}
    ),
    "setup_intent": frozenset({"customer", "payment_method"}),
}


def expand(backend: Backend, obj: Json, paths: list[str]) -> Json:
    for path in paths:
        parts = path.split(".")
        if len(parts) > _MAX_DEPTH:
            raise InvalidRequest(
                "You cannot expand more than 4 levels of a property.", param="expand"
            )
        obj = _expand(backend, obj, parts, path)
    return obj


def _expand(backend: Backend, value: Json, parts: list[str], path: str) -> Json:
    key, rest = parts[0], parts[1:]
    inner = _resolve(backend, value, key, path)
    if rest and isinstance(inner, list):
        inner = [_expand(backend, one, rest, path) for one in inner]
    elif rest and isinstance(inner, dict):
        inner = _expand(backend, inner, rest, path)
    return {**value, key: inner}


def _resolve(backend: Backend, value: Json, key: str, path: str) -> object:
    """The expanded value of `key`; null stays null."""
    kind, inner = value.get("object", ""), value.get(key)
    computed = _COMPUTED.get((kind, key))
    if computed and inner is None:
        return computed(backend, value)
    is_container = isinstance(inner, (dict, list))  # expanded by an earlier path, or part of it
    if key not in _REFERENCES.get(kind, ()) and not is_container:
        raise InvalidRequest(f"This property cannot be expanded ({path}).", param="expand")
    return backend.store.get(inner) if isinstance(inner, str) else inner


def _refunds(backend: Backend, charge: Json) -> Json:
    made = backend.store.find("refund", [Condition.equals("charge", charge["id"])], limit=11)
    url = f"/v1/charges/{charge['id']}/refunds"
    return list_of(url, made[:10], has_more=len(made) > 10)


def _line_items(_: Backend, session: Json) -> Json:
    return list_of(f"/v1/checkout/sessions/{session['id']}/line_items", session["_line_items"])


def _payments(_: Backend, invoice: Json) -> Json:
    return list_of("/v1/invoice_payments", invoice["_payments"])


_COMPUTED: dict[tuple[str, str], Callable[[Backend, Json], Json]] = {
    ("charge", "refunds"): _refunds,
    ("checkout.session", "line_items"): _line_items,
    ("invoice", "payments"): _payments,
}
