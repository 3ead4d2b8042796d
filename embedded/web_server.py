"""The web server's command, as bin/up, tests and benchmarks start it."""

import sys

APPLICATION = "caicaini_portal.asgi:application"
# --no-proxy-headers: the product finds the client's address itself, see TRUSTED_PROXY_COUNT. The
# keep-alive timeout is longer than a proxy's, or the proxy would send calls on closed connections.
# --workers: WEB_CONCURRENCY, which other programs read too, would add uvicorn's own supervisor.
OPTIONS = (
    *("--loop", "uvloop", "--http", "server.http_protocol:HttpProtocol", "--ws", "none"),
    *("--no-proxy-headers", "--no-server-header", "--no-access-log"),
    *("--timeout-keep-alive", "620", "--workers", "1"),
)


def command(*, host: str, port: int, drain_window_s: int = 20) -> tuple[str, ...]:
    """Return the command of a process that serves portal and gateway on a port of its own."""
    return _command("--host", host, "--port", str(port), drain_window_s=drain_window_s)


def command_on_socket(descriptor: int, *, drain_window_s: int = 20) -> tuple[str, ...]:
    """Return the command of a process that inherits the listening socket, perhaps with others."""
    return _command("--fd", str(descriptor), drain_window_s=drain_window_s)


def _command(*address: str, drain_window_s: int) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "uvicorn", APPLICATION, *OPTIONS, *address),
        *("--timeout-graceful-shutdown", str(drain_window_s)),
    )
