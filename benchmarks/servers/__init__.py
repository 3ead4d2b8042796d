"""Compares web servers, and HTTP clients for the calls to upstreams."""

from benchmarks.servers.run import main

__all__ = ["main"]
