"""Every call to Stripe, through its own library with the API version pinned.

The library's errors become two of ours: one to retry later, one not to retry.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import stripe
from django.conf import settings

from billing.errors import PaymentsNotConfigured, StripeRefused, StripeUnavailable

API_VERSION = "2026-10-28.endive"
TIMEOUT_S = 10.0
# After a timeout or a 5xx, half a second later. Sweeps and people retry, so one is enough.
RETRIES = 1


def client() -> stripe.StripeClient:
    """Return this process's client; raises PaymentsNotConfigured without a key."""
    if not settings.STRIPE_SECRET_KEY:
        raise PaymentsNotConfigured("STRIPE_SECRET_KEY is not set")
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@cache
def _client(key: str, api_base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base},
        http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
        max_network_retries=RETRIES,
    )


@contextmanager
def stripe_call() -> Iterator[stripe.StripeClient]:
    """Yield the client, and translate the errors of the calls made with it.

    Raises StripeUnavailable, StripeRefused or PaymentsNotConfigured.
    """
    try:
        yield client()
    except stripe.StripeError as error:
        raise _translated(error) from error


def _translated(error: stripe.StripeError) -> StripeUnavailable | StripeRefused:
    status = error.http_status
    # 409: another request with the same idempotency key is in progress.
    if isinstance(error, stripe.APIConnectionError) or status is None or status in (409, 429):
        return StripeUnavailable(str(error))
    if status >= 500 or isinstance(error, stripe.APIError):
        is_remembered = error.headers is not None and "idempotent-replayed" in error.headers
        return StripeUnavailable(str(error), is_remembered=is_remembered)
    return StripeRefused(str(error), code=error.code, param=getattr(error, "param", None))
