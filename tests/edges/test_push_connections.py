"""HTTP to agents at its worst: what broke where decides whether the message counts as handed (R24, L9, L24, L25)."""

import asyncio
import socket
import ssl
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from postroom.core.deliveries.model import NotHanded
from postroom.edges.push import connections as module
from postroom.edges.push.addresses import AddressGuard, AddressPolicy
from postroom.edges.push.connections import Answer, Connections, Posted, Request
from tests.edges.agents import Exchange, RawAgent, raw_agent
from tests.support.ports import free_port

LIMIT = 1024 * 1024
LOOPBACK = AddressPolicy(allow_loopback=True)


@asynccontextmanager
async def connections_of(
    guard: AddressGuard, *, reply_limit: int = LIMIT, certificates: bytes | None = None
) -> AsyncGenerator[Connections]:
    connections = Connections(guard, reply_limit=reply_limit, root_certificates=certificates)
    try:
        yield connections
    finally:
        await connections.close()


@pytest_asyncio.fixture
async def connections() -> AsyncGenerator[Connections]:
    async with connections_of(AddressGuard(LOOPBACK)) as pool:
        yield pool


def request_to(url: str, *, seconds: float = 10.0) -> Request:
    return Request(url, {"X-A": "b"}, b'{"a":1}', seconds)


def code_of(posted: Posted) -> tuple[str, bool | None]:
    """The code, and whether it is tried again: None where it was never handed."""
    assert not isinstance(posted, Answer), posted
    return (posted.code, None) if isinstance(posted, NotHanded) else (posted.code, posted.retry)


async def post_to(connections: Connections, behaviour: Callable[[Exchange], Awaitable[None]], *, seconds: float = 10.0) -> Posted:
    async with raw_agent(behaviour) as agent:
        return await connections.post(request_to(agent.url, seconds=seconds))


async def answer_ok(exchange: Exchange) -> None:
    await exchange.answer(b"ok")


async def stay_silent(exchange: Exchange) -> None:
    await exchange.reader.read()


async def test_an_answer_comes_back_whole_and_the_connection_is_kept(connections: Connections) -> None:
    async with raw_agent(answer_ok) as agent:
        for _ in range(3):
            posted = await connections.post(request_to(agent.url + "a/b?c=d"))
            assert posted == Answer(200, "application/json", b"ok")
        assert agent.connects == 1
        exchange = agent.exchanges[0]
        assert exchange.head.startswith("POST /a/b?c=d HTTP/1.1\r\n")
        assert (exchange.header("host"), exchange.header("x-a"), exchange.body) == (f"127.0.0.1:{agent.port}", "b", b'{"a":1}')


async def test_l24_nothing_is_sent_that_was_not_asked_for(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://user:secret@127.0.0.1:1")
    async with raw_agent(lambda exchange: exchange.answer(b"ok", headers="Set-Cookie: a=b\r\n")) as agent:
        for _ in range(2):
            assert isinstance(await connections.post(request_to(agent.url)), Answer)
        for exchange in agent.exchanges:
            names = {line.partition(":")[0].lower() for line in exchange.head.strip().split("\r\n")[1:]}
            assert names == {"host", "user-agent", "accept", "content-length", "x-a"}


class TestNotHanded:
    async def test_a_refused_connection(self, connections: Connections) -> None:
        port = free_port()
        posted = await connections.post(request_to(f"http://127.0.0.1:{port}/"))
        assert code_of(posted) == ("connect_failed", None)
        assert isinstance(posted, NotHanded)
        assert f"port {port}" in posted.detail

    async def test_a_listener_that_never_accepts(self, connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            port = full.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port)):  # fills the backlog: further SYNs stay unanswered
                assert code_of(await connections.post(request_to(f"http://127.0.0.1:{port}/"))) == ("connect_failed", None)

    async def test_a_failed_tls_handshake(self, connections: Connections) -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 no\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with server:
            posted = await connections.post(request_to(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
        assert code_of(posted) == ("connect_failed", None)

    @pytest.mark.parametrize(
        ("status", "name"), [("503 Busy", "Retry-After: 120"), ("429 Slow", "retry-after: Fri, 31 Dec 2027 23:59:59 GMT")]
    )
    async def test_come_back_later(self, connections: Connections, status: str, name: str) -> None:
        posted = await post_to(connections, lambda exchange: exchange.answer(b"busy", status=status, headers=name + "\r\n"))
        assert code_of(posted) == ("agent_busy", None)

    async def test_an_address_that_is_refused_or_gone(self) -> None:
        async def nobody(host: str, port: int) -> list[str]:
            raise OSError

        async with raw_agent(answer_ok) as agent, connections_of(AddressGuard(AddressPolicy(), nobody)) as connections:
            assert code_of(await connections.post(request_to(agent.url))) == ("address_refused", None)
            assert code_of(await connections.post(request_to("http://agent.example/"))) == ("address_unresolved", None)
            assert agent.connects == 0


class TestHandedWithoutAnswer:
    """The request was sent: pyreqwest calls the first three ConnectError, yet the agent may have worked (L9)."""

    async def test_cut_after_the_request(self, connections: Connections) -> None:
        async def cut(exchange: Exchange) -> None:
            exchange.writer.close()

        assert code_of(await post_to(connections, cut)) == ("no_answer", True)

    async def test_reset_after_the_request(self, connections: Connections) -> None:
        async def reset(exchange: Exchange) -> None:
            exchange.writer.transport.abort()

        assert code_of(await post_to(connections, reset)) == ("no_answer", True)

    async def test_silence(self, connections: Connections) -> None:
        async with raw_agent(stay_silent) as agent:
            assert code_of(await connections.post(request_to(agent.url, seconds=0.2))) == ("no_answer", True)
            async with asyncio.timeout(5):
                await agent.hung_up.wait()
            assert len(agent.exchanges) == 1

    @pytest.mark.parametrize("head", ["Content-Length: 100", "Transfer-Encoding: chunked"])
    async def test_half_a_body_then_closed(self, connections: Connections, head: str) -> None:
        async def half(exchange: Exchange) -> None:
            await exchange.send(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nhalf.".encode())
            exchange.writer.close()

        assert code_of(await post_to(connections, half)) == ("no_answer", True)

    async def test_a_body_that_drips_for_ever(self, connections: Connections) -> None:
        async def drip(exchange: Exchange) -> None:
            await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not exchange.reader.at_eof():
                await exchange.send(b"1\r\nx\r\n")
                await asyncio.wait([asyncio.current_task()], timeout=0.01)  # type: ignore[list-item]

        async with asyncio.timeout(5):
            assert code_of(await post_to(connections, drip, seconds=0.3)) == ("no_answer", True)

    async def test_an_answer_that_is_not_http(self, connections: Connections) -> None:
        assert code_of(await post_to(connections, lambda exchange: exchange.send(b"blah blah\r\n\r\n"))) == ("invalid_answer", True)


class TestLimits:
    async def test_a_body_at_the_limit_passes_and_a_byte_more_does_not(self) -> None:
        async with connections_of(AddressGuard(LOOPBACK), reply_limit=10 * LIMIT) as connections:
            whole = await post_to(connections, lambda exchange: exchange.answer(b"x" * 10 * LIMIT))
            assert isinstance(whole, Answer)
            assert len(whole.body) == 10 * LIMIT
            assert code_of(await post_to(connections, lambda exchange: exchange.answer(b"x" * (10 * LIMIT + 1)))) == (
                "answer_too_large",
                False,
            )

    async def test_a_body_without_end_is_cut_off(self, connections: Connections) -> None:
        sent = 0

        async def flood(exchange: Exchange) -> None:
            nonlocal sent
            await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                await exchange.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536

        async with raw_agent(flood) as agent:
            assert code_of(await connections.post(request_to(agent.url))) == ("answer_too_large", False)
            async with asyncio.timeout(5):
                await agent.hung_up.wait()
        assert sent < 20 * LIMIT  # what socket buffers hold beside the limit

    async def test_a_slow_chunked_answer_arrives(self, connections: Connections) -> None:
        async def chunks(exchange: Exchange) -> None:
            await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for letter in b"slow":
                await exchange.send(b"1\r\n%c\r\n" % letter)
                await asyncio.wait([asyncio.current_task()], timeout=0.02)  # type: ignore[list-item]
            await exchange.send(b"0\r\n\r\n")

        assert await post_to(connections, chunks) == Answer(200, "", b"slow")

    async def test_compression_is_refused(self, connections: Connections) -> None:
        posted = await post_to(connections, lambda exchange: exchange.answer(b"x", headers="Content-Encoding: gzip\r\n"))
        assert code_of(posted) == ("invalid_answer", True)

    async def test_no_more_clients_than_the_limit_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def loopback(host: str, port: int) -> list[str]:
            return ["127.0.0.1"]

        monkeypatch.setattr(module, "CLIENT_LIMIT", 2)
        async with raw_agent(answer_ok) as agent, connections_of(AddressGuard(LOOPBACK, loopback)) as connections:
            for name in ("a", "b", "c", "b", "a"):
                assert isinstance(await connections.post(request_to(f"http://{name}.example:{agent.port}/")), Answer)
            assert agent.connects == 4
            async with asyncio.timeout(5):
                await agent.hung_up.wait()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 304])
async def test_l25_no_redirect_is_followed(connections: Connections, status: int) -> None:
    async with raw_agent(answer_ok) as forbidden:
        headers = f"Location: {forbidden.url}\r\n"
        posted = await post_to(connections, lambda exchange: exchange.answer(b"", status=f"{status} Moved", headers=headers))
        assert code_of(posted) == ("redirect_refused", False)
        assert forbidden.connects == 0


async def test_a_cancelled_call_ends_at_once_and_its_request_at_its_own_limit(connections: Connections) -> None:
    async with raw_agent(stay_silent) as agent, asyncio.timeout(5):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(connections.post(request_to(agent.url, seconds=0.5)))
            while not agent.exchanges:
                await asyncio.wait([task], timeout=0.01)
            task.cancel()
        assert not agent.hung_up.is_set()
        await agent.hung_up.wait()
        assert len(agent.exchanges) == 1


async def test_the_pinned_address_is_used_and_the_name_is_sent() -> None:
    answers = [["127.0.0.2"], ["127.0.0.3"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async with (
        raw_agent(answer_ok, host="127.0.0.2") as second,
        raw_agent(answer_ok, host="127.0.0.3", port=second.port) as third,
        connections_of(AddressGuard(LOOPBACK, rebinding)) as connections,
    ):
        for agent in (second, third):
            assert isinstance(await connections.post(request_to(f"http://agent.example:{second.port}/")), Answer)
            assert (agent.connects, agent.exchanges[0].header("host")) == (1, f"agent.example:{second.port}")


async def test_l25_a_name_that_turns_private_is_not_connected_to_even_over_a_kept_connection() -> None:
    answers = [["127.0.0.1"], ["127.0.0.1", "10.0.0.1"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async with raw_agent(answer_ok) as agent, connections_of(AddressGuard(LOOPBACK, rebinding)) as connections:
        url = f"http://agent.example:{agent.port}/"
        assert isinstance(await connections.post(request_to(url)), Answer)
        assert code_of(await connections.post(request_to(url))) == ("address_refused", None)
        assert len(agent.exchanges) == 1


async def test_further_addresses_are_tried_only_while_nothing_was_sent() -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["::1", "127.0.0.1"]

    async def cut(exchange: Exchange) -> None:
        exchange.writer.close()

    async with raw_agent(answer_ok) as agent, connections_of(AddressGuard(LOOPBACK, both)) as connections:
        url = f"http://agent.example:{agent.port}/"
        assert isinstance(await connections.post(request_to(url)), Answer)
        async with raw_agent(cut, host="::1", port=agent.port):
            await connections.close()  # forget which address answered
            assert code_of(await connections.post(request_to(url))) == ("no_answer", True)
        assert len(agent.exchanges) == 1


async def test_tls_checks_the_certificate_for_the_name_while_the_address_is_pinned() -> None:
    certificate, context = _self_signed("agent.example")

    async def loopback(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    agent = RawAgent(answer_ok)
    server = await asyncio.start_server(agent.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server, connections_of(AddressGuard(LOOPBACK, loopback), certificates=certificate) as trusting:
        assert isinstance(await trusting.post(request_to(f"https://agent.example:{port}/")), Answer)
        assert code_of(await trusting.post(request_to(f"https://other.example:{port}/"))) == ("connect_failed", None)
        async with connections_of(AddressGuard(LOOPBACK, loopback)) as wary:
            assert code_of(await wary.post(request_to(f"https://agent.example:{port}/"))) == ("connect_failed", None)
    assert len(agent.exchanges) == 1


def _self_signed(name: str) -> tuple[bytes, ssl.SSLContext]:
    """A certificate (PEM) for a name, and the server side that has its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file.name)
    return certificate, context
