"""The web server's command, as bin/up, tests and benchmarks start it."""

import sys

APPLICATION = "caicaini_portal.asgi:application"
# --no-proxy-headers: the product finds the client's address itself, see TRUSTED_PROXY_COUNT. The
# keep-alive timeout is longer than a proxy's, or the proxy would send calls on closed connections.
OPTIONS = (
    *("--loop", "uvloop", "--http", "server.http_protocol:HttpProtocol", "--ws", "none"),
    *("--no-proxy-headers", "--no-server-header", "--no-access-log"),
    *("--timeout-keep-alive", "620", "--timeout-worker-healthcheck", "30"),
)


def command(*, host: str, port: int, workers: int = 1, drain_window_s: int = 20) -> tuple[str, ...]:
    """Return the command that serves portal and gateway."""
    return (
        *(sys.executable, "-m", "uvicorn", APPLICATION, *OPTIONS),
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        *("--timeout-graceful-shutdown", str(drain_window_s)),
    )
