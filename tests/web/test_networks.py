"""An address's network: /24 of IPv4, /64 of IPv6."""

import pytest

from web.networks import UNKNOWN, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", UNKNOWN),
        ("testclient", UNKNOWN),
    ],
)
def test_neighbours_are_in_one_network(address: str, network: str) -> None:
    assert network_of(address) == network
