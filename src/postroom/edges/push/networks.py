"""Addresses and ports that are nobody's public agent, with the reason in words.

Sources: IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its successors, read as of 2025), the metadata addresses that
cloud vendors document, and the list of ports that browsers refuse (https://fetch.spec.whatwg.org/#port-blocking).
"""

import ipaddress
from typing import Final

from postroom.settings import IPNetwork

_IPV4 = {
    "0.0.0.0/8": "an address of this network",
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "an address behind a provider's NAT",
    "127.0.0.0/8": "a loopback address",
    "169.254.0.0/16": "a link-local address",
    "172.16.0.0/12": "a private address",
    "192.0.0.0/24": "reserved for protocols",
    "192.0.2.0/24": "a documentation address",
    "192.31.196.0/24": "reserved for protocols",
    "192.52.193.0/24": "reserved for protocols",
    "192.88.99.0/24": "a relay of a retired tunnel",
    "192.168.0.0/16": "a private address",
    "192.175.48.0/24": "reserved for protocols",
    "198.18.0.0/15": "a benchmarking address",
    "198.51.100.0/24": "a documentation address",
    "203.0.113.0/24": "a documentation address",
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": "a reserved address",
}
_IPV6 = {
    "::1/128": "a loopback address",
    "fc00::/7": "a private address",
    "fe80::/10": "a link-local address",
    "fec0::/10": "a private address of a retired kind",
    "ff00::/8": "a multicast address",
    "2001:db8::/32": "a documentation address",
    "3fff::/20": "a documentation address",
    # Tunnels that carry an IPv4 address inside. All are retired; judging the address inside would trust relays that nobody runs.
    "::/96": "an IPv4 address in a retired form",
    "2002::/16": "an address of the retired tunnel 6to4",
    "2001::/32": "an address of the retired tunnel Teredo",
    "64:ff9b:1::/48": "an address of a local translator to IPv4",
    "2001::/23": "reserved for protocols",
    "2620:4f:8000::/48": "reserved for protocols",
    "5f00::/16": "reserved for segment routing",
    # Last: what the registry has not given out. Global unicast is 2000::/3 (RFC 4291, section 2.4).
    "::/3": "a reserved address",
    "4000::/2": "a reserved address",
    "8000::/1": "a reserved address",
}

REFUSED_NETWORKS: Final[tuple[tuple[IPNetwork, str], ...]] = tuple(
    (ipaddress.ip_network(network), reason) for network, reason in (_IPV4 | _IPV6).items()
)
"""In the order of search: the first that holds the address gives the reason."""

TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""NAT64 (RFC 6052): how a host without IPv4 reaches all of IPv4; the last 32 bits are the address."""

LAST_32_BITS: Final[tuple[IPNetwork, ...]] = tuple(map(ipaddress.ip_network, ["::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48"]))
"""IPv6 addresses that carry an IPv4 address in their last 32 bits."""

METADATA_ADDRESSES: Final = frozenset(
    map(
        ipaddress.ip_address,
        [
            "169.254.169.254",  # AWS, Azure, Google, OpenStack and most others
            "169.254.170.2",  # AWS, credentials of containers
            "169.254.170.23",  # AWS, credentials of pods
            "168.63.129.16",  # Azure, a public address that every virtual machine reaches
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle
            "fd00:ec2::254",  # AWS
            "fd00:ec2::23",  # AWS, credentials of pods
            "fd20:ce::254",  # Google
        ],
    )
)
"""They hand credentials to whoever asks. No setting opens them."""

METADATA_NAMES: Final = frozenset(
    {"metadata.google.internal", "metadata.goog", "metadata.azure.internal", "instance-data", "instance-data.ec2.internal"}
)

_NO_HTTP = [3306, 5432, 6379, 11211, 27017]  # databases, which take orders from whoever reaches them
_BROWSERS_REFUSE = [
    *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113),
    *(115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556),
    *(563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667),
    *(6668, 6669, 6679, 6697, 10080),
]
REFUSED_PORTS: Final = frozenset(_NO_HTTP + _BROWSERS_REFUSE)
