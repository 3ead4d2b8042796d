"""Which server to stand behind, and which HTTP client to call upstreams with."""

from benchmarks.servers.run import main

__all__ = ["main"]
