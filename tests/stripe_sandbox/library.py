"""The real `stripe` library, pointed at a sandbox."""

from collections.abc import Callable
from typing import Any

import stripe
from stripe import StripeObject
from stripe._stripe_response import StripeResponse
from stripe.checkout import Session

from stripe_sandbox.server import SandboxServer

Checkout = Callable[..., Session]


def library(server: SandboxServer, **options: Any) -> stripe.StripeClient:
    options = {"max_network_retries": 0, **options}
    return stripe.StripeClient(
        server.settings.api_key, base_addresses={"api": server.url}, **options
    )


def response(obj: StripeObject) -> StripeResponse:
    """The HTTP response that an object was parsed from."""
    assert obj.last_response is not None
    return obj.last_response


def request_id(obj: StripeObject) -> str:
    return str(response(obj).request_id)
