"""Servers that start at the same time get different ports, before any of them listens."""

from embedded import ports


def test_no_port_is_returned_twice() -> None:
    given = [ports.free_port() for _ in range(1000)]

    assert len(set(given)) == len(given)
