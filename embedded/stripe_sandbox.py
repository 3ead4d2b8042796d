"""The Stripe sandbox of a development machine; it delivers events to our webhook."""

import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from embedded import ports
from embedded.errors import PortInUse
from embedded.subprocesses import Child, Service

# The same port at every start if it is free: the addresses of receipts are in the database.
_USUAL_PORT = 12111


def service(data_dir: Path, *, env: Mapping[str, str], portal_url: str) -> Service:
    """Return the sandbox for the supervisor. `portal_url` is the portal's address for it."""
    listener = _listener()
    port = listener.getsockname()[1]
    key = f"sk_test_{secrets.token_hex(16)}"
    webhook_secret = f"whsec_{secrets.token_hex(16)}"
    # `localhost` for the payer's browser: some browsers trust a bare IP address less.
    page_url = f"http://localhost:{port}"
    child = Child(
        name="stripe-sandbox",
        title="the Stripe sandbox",
        command=(sys.executable, "-m", "stripe_sandbox"),
        env={
            **env,
            "DATA_DIR": str(data_dir),
            "STRIPE_SANDBOX_DESCRIPTOR": str(listener.fileno()),
            "STRIPE_SANDBOX_URL": page_url,
            "STRIPE_SANDBOX_KEY": key,
            "STRIPE_SANDBOX_WEBHOOK_URL": f"{portal_url}/webhooks/stripe",
            "STRIPE_SANDBOX_WEBHOOK_SECRETS": webhook_secret,
        },
        # Closed with the last reference, so this one keeps it open for a restart.
        is_ready=lambda: ports.answers(
            ports.LOOPBACK, listener.getsockname()[1], "/sandbox/status"
        ),
        descriptors=(listener.fileno(),),
    )
    exports = {
        "STRIPE_SECRET_KEY": key,
        "STRIPE_API_BASE": f"http://{ports.LOOPBACK}:{port}",
        "STRIPE_WEBHOOK_SECRETS": webhook_secret,
        "STRIPE_CHECKOUT_ORIGINS": page_url,
    }
    return Service(child, exports, is_needed_first=False)


def _listener() -> socket.socket:
    """Listen at once, for the sandbox to inherit: two products that start at the same moment would
    both find the port free."""
    try:
        return ports.listen(ports.LOOPBACK, _USUAL_PORT)
    except PortInUse:
        return ports.listen(ports.LOOPBACK, 0)
