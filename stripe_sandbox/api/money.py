"""/v1/charges, /v1/refunds, /v1/disputes, /v1/balance_transactions and /v1/invoices."""

from stripe_sandbox.api import lists, search
from stripe_sandbox.api.call import Call
from stripe_sandbox.api.customers import new_metadata
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.flows import disputes, refunds
from stripe_sandbox.objects.details import Json
from stripe_sandbox.store import Condition

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def retrieve_charge(call: Call) -> Json:
    return call.backend.get("charge", call.path["charge"])


def list_charges(call: Call) -> Json:
    return lists.page(call, "charge", ("customer", "payment_intent"))


def find_charges(call: Call) -> Json:
    return search.search(call, "charge")


def create_refund(call: Call) -> Json:
    return refunds.create(
        call.backend,
        _charge_to_refund(call),
        amount=call.params.integer("amount"),
        reason=call.params.choice("reason", _REASONS),
        metadata=new_metadata(call),
    )


def retrieve_refund(call: Call) -> Json:
    return call.backend.get("refund", call.path["refund"])


def list_refunds(call: Call) -> Json:
    return lists.page(call, "refund", ("charge", "payment_intent"))


def list_charge_refunds(call: Call) -> Json:
    charge = retrieve_charge(call)
    return lists.page(call, "refund", (), [Condition.equals("charge", charge["id"])])


def retrieve_dispute(call: Call) -> Json:
    return call.backend.get("dispute", call.path["dispute"])


def list_disputes(call: Call) -> Json:
    return lists.page(call, "dispute", ("charge", "payment_intent"))


def update_dispute(call: Call) -> Json:
    evidence = call.params.group("evidence")
    texts = {key: evidence.required(key) for key in evidence.tree}
    submit = call.params.boolean("submit")
    return disputes.respond(call.backend, retrieve_dispute(call), texts, submit=submit is not False)


def close_dispute(call: Call) -> Json:
    """The merchant accepts the loss."""
    return disputes.close(call.backend, retrieve_dispute(call), "lost")


def retrieve_movement(call: Call) -> Json:
    return call.backend.get("balance_transaction", call.path["movement"])


def list_movements(call: Call) -> Json:
    return lists.page(call, "balance_transaction", ("currency", "source", "type"))


def retrieve_invoice(call: Call) -> Json:
    return call.backend.get("invoice", call.path["invoice"], param="invoice")


def list_invoices(call: Call) -> Json:
    return lists.page(call, "invoice", ("customer", "status"))


def _charge_to_refund(call: Call) -> Json:
    charge_id, intent_id = call.params.text("charge"), call.params.text("payment_intent")
    if bool(charge_id) == bool(intent_id):
        raise InvalidRequest(
            "One of the following params should be provided for this request: payment_intent "
            "or charge.",
            code="parameter_missing",
        )
    if intent_id:
        intent = call.backend.get("payment_intent", intent_id, param="payment_intent")
        charge_id = intent["latest_charge"]
        if charge_id is None:
            raise InvalidRequest(
                f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
            )
    return call.backend.get("charge", str(charge_id), param="charge")
