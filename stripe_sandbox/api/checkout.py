"""/v1/checkout/sessions."""

from typing import Any

from stripe_sandbox.api import lists
from stripe_sandbox.api.amounts import check_amount
from stripe_sandbox.api.call import Call
from stripe_sandbox.api.customers import new_metadata
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.flows import checkout
from stripe_sandbox.forms import Params
from stripe_sandbox.objects import line_item
from stripe_sandbox.objects.details import Json, list_of
from stripe_sandbox.store import Condition

_METHODS = ("card", "us_bank_account")
_DAY_S, _HALF_HOUR_S = 86_400, 1_800


def create(call: Call) -> Json:
    params = call.params
    mode = params.choice("mode", ("payment", "setup")) or "payment"
    items = _line_items(call) if mode == "payment" else []
    fields: Json = {
        "mode": mode,
        "currency": items[0]["currency"] if items else params.text("currency"),
        "line_items": items,
        "expires_at": _expires_at(call),
        "automatic_tax": bool(params.group("automatic_tax").boolean("enabled")),
        "invoice_creation": _invoice_creation(params) if mode == "payment" else None,
        "payment_method_types": _method_types(params, mode),
        "intent_data": _intent_data(params, mode),
        "metadata": new_metadata(call),
        **_payer(call),
        **_echoed(params),
    }
    if mode == "payment" and fields["customer"] is None:
        fields["customer_creation"] = _customer_creation(params, fields["invoice_creation"])
    return checkout.create(call.backend, **fields)


def retrieve(call: Call) -> Json:
    return call.backend.get("checkout.session", call.path["session"], param="session")


def expire(call: Call) -> Json:
    return checkout.expire(call.backend, retrieve(call))


def listing(call: Call) -> Json:
    email = call.params.group("customer_details").text("email")
    conditions = [] if email is None else [Condition.equals("customer_details.email", email)]
    filters = ("customer", "payment_intent", "status")
    return lists.page(call, "checkout.session", filters, conditions)


def line_items(call: Call) -> Json:
    items, limit = retrieve(call)["_line_items"], lists.limit_of(call)
    return list_of(call.url, items[:limit], has_more=len(items) > limit)


def _line_items(call: Call) -> list[Json]:
    items = [_line_item(call, one) for one in call.params.items("line_items")]
    if not items:
        raise InvalidRequest(
            "You must specify line_items in payment mode.",
            param="line_items",
            code="parameter_missing",
        )
    if len({item["currency"] for item in items}) > 1:
        raise InvalidRequest("All line items must have the same currency.", param="line_items")
    check_amount(sum(item["amount_subtotal"] for item in items), items[0]["currency"])
    return items


def _line_item(call: Call, item: Params) -> Json:
    price = item.group("price_data")
    product = price.group("product_data")
    return line_item.build(
        created=call.backend.now(),
        currency=price.required("currency").lower(),
        unit_amount=price.required_integer("unit_amount"),
        quantity=item.integer("quantity") or 1,
        name=product.required("name"),
        description=product.text("description"),
        images=product.texts("images"),
        metadata=product.metadata(),
        tax_behavior=price.choice("tax_behavior", ("exclusive", "inclusive", "unspecified")),
        tax_code=product.text("tax_code"),
    )


def _expires_at(call: Call) -> int:
    now = call.backend.now()
    at = call.params.integer("expires_at")
    if at is None:
        return now + _DAY_S
    if at < now + _HALF_HOUR_S - 60:  # a minute for the request to arrive
        raise InvalidRequest(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session "
            "creation.",
            param="expires_at",
        )
    if at > now + _DAY_S + 60:
        raise InvalidRequest(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return at


def _invoice_creation(params: Params) -> Json:
    requested = params.group("invoice_creation")
    data = requested.group("invoice_data")
    return {
        "enabled": bool(requested.boolean("enabled")),
        "invoice_data": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": data.text("description"),
            "footer": data.text("footer"),
            "issuer": {"type": "self"},
            "metadata": data.metadata() or None,
            "rendering_options": None,
        },
    }


def _method_types(params: Params, mode: str) -> list[str]:
    requested = params.texts("payment_method_types")
    unknown = set(requested) - set(_METHODS)
    if unknown:
        raise InvalidRequest(
            f"This sandbox supports {' and '.join(_METHODS)} only, not {sorted(unknown)[0]}.",
            param="payment_method_types",
        )
    return requested or (list(_METHODS) if mode == "payment" else ["card"])


def _intent_data(params: Params, mode: str) -> dict[str, Any]:
    data = params.group(f"{'payment' if mode == 'payment' else 'setup'}_intent_data")
    texts: Json = {"description": data.text("description"), "metadata": data.metadata()}
    if mode == "setup":
        return texts
    return {
        **texts,
        "receipt_email": data.text("receipt_email"),
        "setup_future_usage": data.choice("setup_future_usage", ("off_session", "on_session")),
        "statement_descriptor": data.text("statement_descriptor"),
        "statement_descriptor_suffix": data.text("statement_descriptor_suffix"),
    }


def _payer(call: Call) -> Json:
    customer, email = call.params.text("customer"), call.params.text("customer_email")
    if customer and email:
        raise InvalidRequest(
            "You may only specify one of these parameters: customer, customer_email."
        )
    if customer:
        call.backend.get("customer", customer, param="customer")
    update = call.params.group("customer_update")
    for part in ("address", "name", "shipping"):
        update.choice(part, ("auto", "never"))
    return {"customer": customer, "customer_email": email, "customer_creation": None}


def _customer_creation(params: Params, invoice_creation: Json) -> str:
    """An invoice needs a customer, so Stripe makes one for it."""
    requested = params.choice("customer_creation", ("always", "if_required")) or "if_required"
    return "always" if invoice_creation["enabled"] else requested


def _echoed(params: Params) -> Json:
    """Parameters that the session repeats as they were sent."""
    params.choice("ui_mode", ("hosted_page",))
    url = params.url("success_url")
    if url is None:
        raise InvalidRequest(
            "Missing required param: success_url.",
            param="success_url",
            code="parameter_missing",
        )
    return {
        "billing_address_collection": params.choice(
            "billing_address_collection", ("auto", "required")
        ),
        "cancel_url": params.url("cancel_url"),
        "client_reference_id": params.text("client_reference_id", max_length=200),
        "locale": params.text("locale"),
        "submit_type": params.choice("submit_type", ("auto", "book", "donate", "pay")),
        "success_url": url,
    }
