"""Servers that are started side by side need ports of their own, before any of them listens."""

from embedded import ports


def test_no_port_is_given_twice() -> None:
    given = [ports.free_port() for _ in range(1000)]

    assert len(set(given)) == len(given)
