"""Identifiers in Stripe's form: `ch_…`, `evt_…`, `cs_test_…`."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
_LENGTHS = {"cs_test": 58, "cus": 14, "req": 14, "prod": 14}


def new(prefix: str) -> str:
    """A new id; long for Checkout Sessions, because the id opens the payment page."""
    return f"{prefix}_{_random(_LENGTHS.get(prefix, 24))}"


def client_secret(object_id: str) -> str:
    return f"{object_id}_secret_{_random(25)}"


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
