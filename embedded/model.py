"""The embedded language model: SmolLM2-135M behind llama.cpp's server, on a loopback port."""

import secrets
import sys
from collections.abc import Mapping

from embedded import ports
from embedded.subprocesses import Child, Service


def service(env: Mapping[str, str]) -> Service:
    """Return the model server for the supervisor; its API key is in the environment."""
    port, api_key = ports.free_port(), secrets.token_urlsafe(24)
    exports = {
        "EMBEDDED_MODEL_URL": f"http://{ports.LOOPBACK}:{port}",
        "EMBEDDED_MODEL_API_KEY": api_key,
    }
    child = Child(
        name="model",
        title="the language model",
        command=(sys.executable, "-m", "embedded.model_server", str(port)),
        env={**env, **exports},
        is_ready=lambda: ports.answers(ports.LOOPBACK, port, "/health"),
    )
    return Service(child, exports, is_needed_first=False)
