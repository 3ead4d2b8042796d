"""Line items of a Checkout Session, each with the price and product made for it."""

from stripe_sandbox import ids
from stripe_sandbox.objects.details import Json


def build(
    *,
    created: int,
    currency: str,
    unit_amount: int,
    quantity: int,
    name: str,
    description: str | None = None,
    images: list[str] | None = None,
    metadata: dict[str, str] | None = None,
    tax_behavior: str | None = None,
    tax_code: str | None = None,
) -> Json:
    amount = unit_amount * quantity
    product = ids.new("prod")
    return {
        "id": ids.new("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": currency,
        "description": name,
        "discounts": [],
        "metadata": {},
        "price": _price(created, currency, unit_amount, product, tax_behavior),
        "quantity": quantity,
        "taxes": [],
        "_product": {
            "id": product,
            "name": name,
            "description": description,
            "images": images or [],
            "metadata": metadata or {},
            "tax_code": tax_code,
        },
    }


def _price(
    created: int, currency: str, unit_amount: int, product: str, tax_behavior: str | None
) -> Json:
    return {
        "id": ids.new("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": None,
        "tax_behavior": tax_behavior or "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": unit_amount,
        "unit_amount_decimal": str(unit_amount),
    }


def taxed(item: Json, basis_points: int) -> Json:
    """The item with its tax: on top of the price, or within it if `tax_behavior` is inclusive."""
    amount = item["amount_subtotal"]
    if item["price"]["tax_behavior"] == "inclusive":
        return {**item, "amount_tax": amount * basis_points // (10_000 + basis_points)}
    tax = amount * basis_points // 10_000
    return {**item, "amount_tax": tax, "amount_total": amount + tax}
