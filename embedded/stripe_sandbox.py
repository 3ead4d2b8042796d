"""The Stripe of a development machine: our sandbox, which delivers to our webhook."""

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from embedded import ports
from embedded.errors import PortInUse
from embedded.subprocesses import Child, Service

# Kept from start to start where it is free: receipts stand in the books with their address.
_USUAL_PORT = 12111


def service(data_dir: Path, *, env: Mapping[str, str], portal_url: str) -> Service:
    """Return the sandbox's row. `portal_url` is where it reaches the portal."""
    port = _port()
    key = f"sk_test_{secrets.token_hex(16)}"
    webhook_secret = f"whsec_{secrets.token_hex(16)}"
    # Localhost for the payer's browser: some treat pages of a bare address as less secure.
    page_url = f"http://localhost:{port}"
    child = Child(
        name="stripe-sandbox",
        title="the Stripe sandbox",
        command=(sys.executable, "-m", "stripe_sandbox"),
        env={
            **env,
            "DATA_DIR": str(data_dir),
            "STRIPE_SANDBOX_HOST": ports.LOOPBACK,
            "STRIPE_SANDBOX_PORT": str(port),
            "STRIPE_SANDBOX_URL": page_url,
            "STRIPE_SANDBOX_KEY": key,
            "STRIPE_SANDBOX_WEBHOOK_URL": f"{portal_url}/webhooks/stripe",
            "STRIPE_SANDBOX_WEBHOOK_SECRETS": webhook_secret,
        },
        is_ready=lambda: ports.answers(ports.LOOPBACK, port, "/sandbox/status"),
    )
    gives = {
        "STRIPE_SECRET_KEY": key,
        "STRIPE_API_BASE": f"http://{ports.LOOPBACK}:{port}",
        "STRIPE_WEBHOOK_SECRETS": webhook_secret,
        "STRIPE_CHECKOUT_ORIGINS": page_url,
    }
    return Service(child, gives, is_needed_first=False)


def _port() -> int:
    try:
        ports.require_free(host=ports.LOOPBACK, port=_USUAL_PORT)
    except PortInUse:
        return ports.free_port()
    return _USUAL_PORT
