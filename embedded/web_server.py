"""How the web server is started: by bin/up, by tests and by benchmarks."""

import sys

APPLICATION = "caicaini_portal.asgi:application"
# Whom a proxy calls for is our own to find out: see TRUSTED_PROXY_COUNT. Idle connections are kept
# for longer than proxies keep theirs, or these would send calls into closed ones.
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
