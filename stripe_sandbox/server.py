"""The server: uvicorn in a thread, one code path for the command and for tests in-process.

with SandboxServer(Settings(webhook_url=...)) as server:
    stripe.StripeClient(server.settings.api_key, base_addresses={"api": server.url})
    server.control.pay(session.id)
"""

import asyncio
import socket
import threading
import time
from dataclasses import replace
from types import TracebackType

import uvicorn

from stripe_sandbox.api.outage import Outages
from stripe_sandbox.app import build
from stripe_sandbox.client import Sandbox
from stripe_sandbox.settings import Settings

_START_TIMEOUT_S = 60


class SandboxServer:
    """A sandbox in a thread of this process. `settings` holds the port in use."""

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self._socket = _socket(settings)
        port = self._socket.getsockname()[1]
        public_url = settings.public_url or f"http://localhost:{port}"
        self.settings = replace(settings, port=port, public_url=public_url)
        self.url = f"http://{settings.host}:{port}"
        self.control = Sandbox(self.url)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._running: tuple[asyncio.AbstractEventLoop, uvicorn.Server, Outages] | None = None

    def start(self) -> "SandboxServer":
        """Return when it accepts connections."""
        self._thread.start()
        until = time.monotonic() + _START_TIMEOUT_S
        while not self._answers():
            if time.monotonic() > until or not self._thread.is_alive():
                raise TimeoutError(f"The Stripe sandbox did not start at {self.url}")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """End hanging requests first, because the server waits for them."""
        if self._running:
            loop, server, outages = self._running
            loop.call_soon_threadsafe(outages.clear)
            server.should_exit = True
            self._thread.join()
        self._socket.close()

    def wait(self) -> None:
        """Until another thread or a signal handler calls `stop`."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def _serve(self) -> None:
        asyncio.run(self._serve_async())

    async def _serve_async(self) -> None:
        outages = Outages()
        app = build(self.settings, outages)
        config = uvicorn.Config(
            app, ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        self._running = (asyncio.get_running_loop(), server, outages)
        await server.serve(sockets=[self._socket])

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.settings.host, self.settings.port)) == 0

    def __enter__(self) -> "SandboxServer":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _socket(settings: Settings) -> socket.socket:
    """The inherited socket, or one that is bound, so that its port is known before the server
    runs."""
    if settings.descriptor is not None:
        return socket.socket(fileno=settings.descriptor)
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((settings.host, settings.port))
    return bound
