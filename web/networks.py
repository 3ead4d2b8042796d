"""The network that an address belongs to: who controls one address of it controls most of it."""

import ipaddress

UNKNOWN = "unknown"
_MAPPED = ipaddress.ip_network("::ffff:0:0/96")


def network_of(address: str, *, ipv4_prefix: int = 24, ipv6_prefix: int = 64) -> str:
    """Return the network as text, such as `192.0.2.0/24`; UNKNOWN for what is no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address) and parsed in _MAPPED:
        parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
    prefix = ipv4_prefix if parsed.version == 4 else ipv6_prefix
    return str(ipaddress.ip_network((parsed, prefix), strict=False))
