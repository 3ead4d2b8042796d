"""Setup intents: a payment method saved for later, without a payment."""

from stripe_sandbox import ids
from stripe_sandbox.objects.details import Json


def build(
    *,
    created: int,
    customer: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
    payment_method_types: list[str] | None = None,
    usage: str = "off_session",
) -> Json:
    object_id = ids.new("seti")
    return {
        "id": object_id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None if payment_method_types else {"enabled": True},
        "cancellation_reason": None,
        "client_secret": ids.client_secret(object_id),
        "created": created,
        "customer": customer,
        "customer_account": None,
        "description": description,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": metadata or {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": payment_method_types or ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": usage,
    }
