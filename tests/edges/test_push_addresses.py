"""The corpus of addresses and URL forms that must not be reached (S6, L25; reliability.md, section 6)."""

import asyncio
import ipaddress
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.edges.push.addresses import AddressGuard, AddressPolicy, ask_system
from postroom.errors import Refused

# A machine under load may take long over one example; what hangs is the test timeout's to find.
LOADED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "192.0.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "198.20.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
    "64:ff9b::808:808",
    "::ffff:8.8.8.8",
]

CORPUS = json.loads((Path(__file__).parent / "corpus" / "ssrf.json").read_text())
HOSTS: list[str] = [*CORPUS["hosts"], "a" * 64 + ".example", ("a" * 60 + ".") * 40 + "example"]
URLS: list[str] = [*CORPUS["urls"], "http://good.example/" + "a" * 2048]
EVERYTHING = tuple(map(ipaddress.ip_network, ["0.0.0.0/0", "::/0"]))


def resolver_of(*answers: list[str]) -> Callable[[str, int], Awaitable[list[str]]]:
    """A name server with these answers, one per question; the last stays."""
    left = list(answers)

    async def resolve(host: str, port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def guard_of(*answers: list[str], **policy: object) -> AddressGuard:
    return AddressGuard(AddressPolicy(**policy), resolver_of(*answers))  # type: ignore[arg-type]


async def refusal_of(guard: AddressGuard, url: str) -> Refused:
    with pytest.raises(Refused) as caught:
        await guard.check_url(url)
    return caught.value


@pytest.mark.parametrize("host", HOSTS)
async def test_no_spelling_of_a_forbidden_host_passes(host: str) -> None:
    for url in (f"http://{host}/", f"https://{host}:8443/a?b=c"):
        refused = await refusal_of(AddressGuard(AddressPolicy(), _only_localhost_is_private), url)
        assert refused.name in ("address_refused", "address_unresolved")
        assert refused.sentence.endswith(".")


@pytest.mark.parametrize("url", URLS)
async def test_no_url_passes_that_two_parsers_could_read_differently(url: str) -> None:
    refused = await refusal_of(guard_of(["8.8.8.8"], allowed_networks=EVERYTHING), url)
    assert refused.name == "address_refused"


async def _only_localhost_is_private(host: str, port: int) -> list[str]:
    """Every other name of the corpus has a public address, so that only its form can be what refuses it."""
    return ["127.0.0.1"] if "localhost" in host.lower() else ["8.8.8.8"]


@pytest.mark.parametrize("address", PUBLIC)
async def test_public_addresses_pass_and_are_pinned(address: str) -> None:
    target = await guard_of([address]).check_url("https://Agent-1.example:8443/a/b?c=%20d")
    assert (target.scheme, target.host, target.port) == ("https", "agent-1.example", 8443)
    assert target.addresses == (address.removeprefix("::ffff:"),)


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://1.1.1.1", 80), ("https://1.1.1.1/", 443), ("HTTP://1.1.1.1:65535?x", 65535), ("http://[2606:4700:0::1111]/", 80)],
)
async def test_literal_addresses_are_not_asked_for(url: str, port: int) -> None:
    async def never(host: str, port: int) -> list[str]:
        raise AssertionError(host)

    target = await AddressGuard(AddressPolicy(), never).check_url(url)
    assert target.port == port
    assert target.addresses in (("1.1.1.1",), ("2606:4700::1111",))


@pytest.mark.parametrize("bad", ["127.0.0.1", "10.1.1.1", "::1", "fe80::1%lo", "::ffff:10.0.0.1", "nonsense"])
async def test_one_bad_record_among_good_ones_refuses_the_name(bad: str) -> None:
    for answer in (["8.8.8.8", bad], [bad, "8.8.8.8"], ["2606:4700::1111", bad]):
        assert "agent.example" in (await refusal_of(guard_of(answer), "http://agent.example/")).sentence


async def test_l25_a_name_that_changes_its_mind_is_refused_at_the_connection() -> None:
    guard = guard_of(["8.8.8.8"], ["127.0.0.1"])
    assert (await guard.check_url("http://agent.example/")).addresses == ("8.8.8.8",)
    with pytest.raises(Refused, match="loopback"):
        await guard.resolve("http://agent.example/")


async def test_l26_a_name_that_does_not_resolve_is_refused() -> None:
    async def broken(host: str, port: int) -> list[str]:
        raise OSError

    async def silent(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    for resolver in (broken, silent, resolver_of([])):
        guard = AddressGuard(AddressPolicy(allow_loopback=True), resolver, seconds=0.05)
        assert (await refusal_of(guard, "http://agent.example/")).name == "address_unresolved"


async def test_the_system_is_asked_and_its_failure_is_a_refusal() -> None:
    assert {"127.0.0.1", "::1"} & set(await ask_system("localhost", 80))
    for host in ("nobody.invalid", "a" * 64 + ".example"):
        with pytest.raises(OSError):
            await ask_system(host, 80)


async def test_a_refusal_says_why_and_which_setting_helps() -> None:
    refused = await refusal_of(guard_of(["10.1.2.3"]), "http://agent.example/")
    assert refused.sentence == (
        "agent.example may not be called at 10.1.2.3: it is a private address. The operator can allow it with POSTROOM_AGENT_NETWORKS."
    )


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("::10.0.0.1", "retired form"),
        ("2002:a00:1::", "6to4"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
        ("64:ff9b::a00:1", "a private"),
    ],
)
def test_an_address_inside_another_is_named_for_what_it_is(address: str, reason: str) -> None:
    assert reason in (AddressPolicy().objection(ipaddress.ip_address(address), 80) or "")


async def test_networks_that_the_operator_names_pass_and_their_neighbours_do_not() -> None:
    networks = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd12::/16"))
    for address in ("10.1.2.3", "fd12::1", "::ffff:10.1.2.3"):
        assert (await guard_of([address], allowed_networks=networks).check_url("http://a.example/")).addresses
    for address in ("10.2.0.1", "127.0.0.1", "fd13::1", "::10.1.2.3", "2002:a01:203::", "64:ff9b::a01:203"):
        await refusal_of(guard_of([address], allowed_networks=networks), "http://a.example/")


async def test_loopback_passes_where_it_is_allowed_and_nothing_else_with_it() -> None:
    for url in (
        "http://127.0.0.1:9000/",
        "http://[::1]:9000/",
        "http://localhost:9000/",
        "http://127.8.8.8/",
        "http://[::ffff:127.0.0.1]:9000",
    ):
        assert (await AddressGuard(AddressPolicy(allow_loopback=True)).check_url(url)).addresses
    for url in (
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://127.1/",
    ):
        await refusal_of(guard_of(["8.8.8.8"], allow_loopback=True), url)


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "168.63.129.16", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe"),
        *("2002:a9fe:a9fe::1", "::169.254.169.254", "2001:0:a9fe:a9fe::", "224.0.0.1", "::ffff:0:0", "::", "ff02::1", "255.255.255.255"),
    ],
)
async def test_no_setting_opens_metadata_services_and_group_addresses(address: str) -> None:
    guard = guard_of([address], allowed_networks=EVERYTHING, allow_loopback=True)
    assert "POSTROOM_AGENT_NETWORKS" not in (await refusal_of(guard, "http://agent.example/")).sentence


async def test_the_servers_own_doors_stay_shut() -> None:
    own = ipaddress.ip_address("8.8.4.4")
    for address in ("127.0.0.1", "::1", "8.8.4.4", "::ffff:8.8.4.4", "64:ff9b::808:404"):
        guard = guard_of([address], allow_loopback=True, own_addresses=frozenset({own}), own_port=8080)
        assert "own address" in (await refusal_of(guard, "http://a.example:8080/")).sentence
        assert (await guard.check_url("http://a.example:8081/")).port == 8081


@LOADED
@given(number=st.integers(0, 2**32 - 1))
def test_an_address_inside_another_never_passes_when_it_does_not_pass_itself(number: int) -> None:
    policy, inner = AddressPolicy(), ipaddress.IPv4Address(number)
    verdict = policy.objection(inner, 80)
    for text in (f"::ffff:{inner}", f"64:ff9b::{inner}"):
        assert (policy.objection(ipaddress.ip_address(text), 80) is None) == (verdict is None)
    for text in (f"::{inner}", f"64:ff9b:1::{inner}"):
        assert policy.objection(ipaddress.ip_address(text), 80) is not None


@LOADED
@given(number=st.integers(0, 2**32 - 1))
def test_our_list_refuses_whatever_the_standard_library_calls_private(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert AddressPolicy().objection(address, 80) is not None


@LOADED
@given(number=st.integers(0, 2**128 - 1))
def test_outside_global_unicast_no_ipv6_address_passes(number: int) -> None:
    address = ipaddress.IPv6Address(number)
    inside = address in ipaddress.ip_network("2000::/3") or address in ipaddress.ip_network("64:ff9b::/96") or address.ipv4_mapped
    assert inside or AddressPolicy().objection(address, 80) is not None
