"""Networks that are not the public Internet, or not only.

The list holds all of IANA's special-purpose addresses, IPv4 and IPv6. It includes the globally
reachable ones, because no receiver of events has such an address. The list of Python's `ipaddress`
is not used, because it differs from version to version.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network

SPECIAL_IPV4 = tuple(
    IPv4Network(x)
    for x in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private use
        "100.64.0.0/10",  # shared address space; metadata of a cloud
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # in no registry: inside of Azure its control plane
        "169.254.0.0/16",  # link local; metadata of most clouds
        "172.16.0.0/12",  # private use
        "192.0.0.0/24",  # IETF protocol assignments; metadata of a cloud
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.168.0.0/16",  # private use
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and limited broadcast
    )
)

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that the Internet uses. Other prefixes may be translated into any address."""

SPECIAL_IPV6 = tuple(
    IPv6Network(x)
    for x in (
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarks, ORCHID and others
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

# Networks whose addresses hold an IPv4 address, and by how many bits it is shifted. An address that
# holds a public IPv4 address leads to it.
HOLDING_IPV4 = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("2002::/16"), 80),  # 6to4
)


def is_isatap(ip: IPv6Address) -> bool:
    """Whether its last 64 bits have the ISATAP form. Such an address leads to the IPv4 address in
    them."""
    return (int(ip) >> 32) & 0xFDFFFFFF == 0x00005EFE
