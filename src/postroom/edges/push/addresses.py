"""Where Postroom may connect to: the guard between a URL that an agent chose and the network that the server lives in (S6, L25).

A URL passes twice. At registration ``check_url`` explains a refusal to whoever registers. At every connection ``resolve`` asks again,
and the caller connects to the very address that passed, so a name that changes its mind between the two (DNS rebinding) gains nothing.

The grammar of a URL is narrower than what URL parsers take, because parsers disagree about the rest: the host must be written the way
the client's own parser (``pyreqwest.http.Url``) writes it back, so ``127.1``, ``0x7f.1``, ``127。0。0。1`` and ``good@127.0.0.1`` end here.
The address lists are our own: ``ipaddress.is_global`` of Python 3.11 calls several ways to write 127.0.0.1 global (finding 12).
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pyreqwest.http import Url

from postroom.edges.push.networks import LAST_32_BITS, METADATA_ADDRESSES, METADATA_NAMES, REFUSED_NETWORKS, REFUSED_PORTS, TRANSLATED
from postroom.errors import Refused
from postroom.settings import IPNetwork

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Turns a host name and a port into addresses. Raises OSError when the name does not resolve."""

RESOLVE_SECONDS: Final = 5.0
URL_LIMIT: Final = 2048
"""Longest URL, in characters."""

_BROADCAST = ipaddress.IPv4Address("255.255.255.255")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{{0,4}}))?"
    r"(?:[/?][\x21\x22\x24-\x5b\x5d-\x7e]*)?",  # printable ASCII but # and backslash
    re.IGNORECASE,
)
_ADVICE = "The operator can allow it with POSTROOM_AGENT_NETWORKS."


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed: where to connect (``addresses``, each allowed, in the resolver's order) and under which name."""

    url: str
    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPolicy:
    """Which addresses agents may have beside public ones.

    ``allow_loopback`` is for a server that itself listens on loopback only. ``own_addresses`` with ``own_port`` are the server's own
    doors: through them an agent could make the server speak to itself, so they stay shut whatever else is allowed.
    """

    allowed_networks: tuple[IPNetwork, ...] = ()
    allow_loopback: bool = False
    own_addresses: frozenset[IPAddress] = frozenset()
    own_port: int | None = None

    @lru_cache(maxsize=1024)  # noqa: B019 - a policy lives as long as the server
    def objection(self, address: IPAddress, port: int) -> str | None:
        """Say why no connection may go to this address and port; None when it may."""
        if port == self.own_port and any(form.is_loopback or form in self.own_addresses for form in forms(address)):
            return "it is this server's own address"
        if (never := next(filter(None, map(_never, forms(address))), None)) is not None:
            return never
        address = unmapped(address)
        if (address.is_loopback and self.allow_loopback) or _is_in(address, self.allowed_networks):
            return None
        reason = _reason(address)
        return None if reason is None else f"it is {reason}. {_ADVICE}"


class AddressGuard:
    """Checks URLs against a policy; what a name stands for is asked anew every time."""

    def __init__(self, policy: AddressPolicy, resolver: Resolver | None = None, *, seconds: float = RESOLVE_SECONDS) -> None:
        self._policy = policy
        self._resolver = resolver or ask_system
        self._seconds = seconds

    async def check_url(self, url: str) -> Target:
        """Decide at registration whether the URL may be stored; resolves its name and checks every address.

        Raises Refused (``address_refused``, or ``address_unresolved`` when the name has no address now) with a sentence that says why.
        """
        return await self.resolve(url)

    async def resolve(self, url: str) -> Target:
        """Decide at connection time; the addresses of the target are to be connected to as they are.

        Raises Refused as check_url does.
        """
        scheme, host, port = parse_url(url)
        addresses = await self._addresses(host, port)
        for address in addresses:
            if (objection := self._policy.objection(address, port)) is not None:
                raise _refused(f"{host} may not be called at {address}: {objection.rstrip('.')}.")
        return Target(url, scheme, host, port, tuple(str(unmapped(address)) for address in addresses))

    async def _addresses(self, host: str, port: int) -> list[IPAddress]:
        if (literal := _literal(host)) is not None:
            return [literal]
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._resolver(host, port)
        except OSError as error:  # TimeoutError is one
            raise _unresolved(host) from error
        if not found:
            raise _unresolved(host)
        return [_parsed(host, address) for address in dict.fromkeys(found)]


async def ask_system(host: str, port: int) -> list[str]:
    """Resolve with the system's resolver, in a thread of the loop's executor. Raises OSError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
    return [str(entry[4][0]) for entry in found]


@lru_cache(maxsize=1024)
def parse_url(url: str) -> tuple[str, str, int]:
    """Split a URL into scheme, host and port. Raises Refused for everything that two parsers could read differently."""
    match = _URL.fullmatch(url) if len(url) <= URL_LIMIT else None
    if match is None:
        raise _refused(_complaint(url))
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = int(match["port"] or _DEFAULT_PORTS[scheme])
    _check_as_client_reads(url, host, port)
    if port in REFUSED_PORTS:
        raise _refused(f"Port {port} belongs to a service that is no web server.")
    if host in METADATA_NAMES:
        raise _refused(f"{host} is a metadata service of a cloud.")
    return scheme, host, port


def _check_as_client_reads(url: str, host: str, port: int) -> None:
    try:
        read = Url(url)
    except ValueError as error:
        raise _refused(f"The URL can not be read: {error}.") from error
    if (read.host_str, read.port_or_known_default) != (_as_written(host), port):
        raise _refused(f"The host must be written in its usual form; here that would be {read.host_str}.")


def _as_written(host: str) -> str:
    # IPv6 has many spellings of one address and no parser reads them as two; the client's parser writes the shortest.
    return Url(f"http://{host}").host_str or "" if host.startswith("[") else host


def _complaint(url: str) -> str:
    """Name the fault of a URL that does not have the form; the first that applies."""
    authority = re.split(r"[/?#\\]", url.partition("://")[2], maxsplit=1)[0]
    faults = {
        f"The URL is longer than {URL_LIMIT} characters.": len(url) > URL_LIMIT,
        "The URL must be plain ASCII without spaces and control characters; write a name's xn-- form.": not re.fullmatch(
            r"[\x21-\x7e]*", url
        ),
        "The URL must start with http:// or https://.": not re.match("https?://", url, re.IGNORECASE),
        "The URL must have no backslash and no fragment.": "\\" in url or "#" in url,
        "The URL must have no user name and no password.": "@" in authority,
        "The URL must have a host.": authority.partition(":")[0] == "",
    }
    return next((sentence for sentence, applies in faults.items() if applies), "The URL's host or port is not written in its usual form.")


@lru_cache(maxsize=1024)
def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _parsed(host: str, address: str) -> IPAddress:
    try:
        return ipaddress.ip_address(address)  # a zone (fe80::1%eth0) is kept and falls under link-local
    except ValueError as error:
        raise _unresolved(host) from error


def unmapped(address: IPAddress) -> IPAddress:
    """The kernel connects ``::ffff:a.b.c.d`` to a.b.c.d, so that is what is judged and pinned."""
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def forms(address: IPAddress) -> list[IPAddress]:
    """The address and the IPv4 addresses that it may carry inside: mapped, compatible, NAT64, 6to4, Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner = [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)] if _is_in(address, LAST_32_BITS) else []
    return [address, *inner, *filter(None, [address.sixtofour, *(address.teredo or ())])]


def _never(address: IPAddress) -> str | None:
    """Why no setting opens this address; None when one may."""
    if address in METADATA_ADDRESSES:
        return "it is a metadata service of a cloud"
    if address.is_unspecified or address.is_multicast or address == _BROADCAST:
        return "it is no address of one machine"
    return None


def _reason(address: IPAddress) -> str | None:
    """Why an address is not a public one; None when it is. What a translator turns into IPv4 is judged as that."""
    if isinstance(address, ipaddress.IPv6Address) and address in TRANSLATED:
        return _reason(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return next((reason for network, reason in REFUSED_NETWORKS if address.version == network.version and address in network), None)


def _is_in(address: IPAddress, networks: Iterable[IPNetwork]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _refused(sentence: str) -> Refused:
    return Refused(sentence, code="address_refused")


def _unresolved(host: str) -> Refused:
    return Refused(f"{host} has no address at present.", code="address_unresolved")
