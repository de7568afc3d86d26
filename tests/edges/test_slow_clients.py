"""Clients that take their time, or too many places, over raw sockets; everybody else is served meanwhile (reliability.md, R63)."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from postroom.edges.patience import HEAD_LIMIT
from postroom.edges.server import HttpServer, open_sockets
from postroom.errors import SetupError
from postroom.settings import Settings
from tests.support.http import ask
from tests.support.server import ServerProcess

HEAD_SECONDS = 0.6
BODY_SECONDS = 1.0
# A loaded machine is late; a deadline that does not exist is later than that.
LATE = 4.0

Feed = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def hasty(short_directory: Any) -> Generator[ServerProcess]:
    """A server with little patience and few places."""
    seconds = {"header_seconds": str(HEAD_SECONDS), "body_seconds": str(BODY_SECONDS), "upload_seconds": str(BODY_SECONDS)}
    process = ServerProcess(short_directory / "hasty", **seconds, address_connection_limit="12")
    try:
        yield process.start()
    finally:
        process.destroy()


@asynccontextmanager
async def connect(server: ServerProcess) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


async def seconds_until_cut(server: ServerProcess, feed: Feed) -> tuple[float, bytes]:
    """How long the server put up with it, and what it said; others are served all the while."""
    async with connect(server) as (reader, writer), asyncio.TaskGroup() as tasks:
        began = time.monotonic()
        feeding = tasks.create_task(_feed_quietly(feed, writer))
        answering = tasks.create_task(_others_are_served(server))
        async with asyncio.timeout(20):
            said = await _read_all(reader)
        took = time.monotonic() - began
        feeding.cancel()
        answering.cancel()
        return took, said


async def _feed_quietly(feed: Feed, writer: asyncio.StreamWriter) -> None:
    try:
        await feed(writer)
    except ConnectionError:
        return


async def _others_are_served(server: ServerProcess) -> None:
    while True:
        assert (await asyncio.to_thread(ask, server.url, "GET", "/health")).status == 200
        await asyncio.sleep(0.1)


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    pieces: list[bytes] = []
    try:
        while piece := await reader.read(65536):
            pieces.append(piece)
    except ConnectionError:
        # An abort is an end too.
        return b"".join(pieces)
    return b"".join(pieces)


async def _silent(_: asyncio.StreamWriter) -> None:
    return


def _dripping(first: bytes, drop: bytes = b"a") -> Feed:
    async def feed(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(drop)

    return feed


def _head(server: ServerProcess, *lines: str, path: str = "/workspaces", method: str = "POST") -> bytes:
    host = server.url.removeprefix("http://")
    return "\r\n".join(
        (f"{method} {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {server.operator_token}", *lines, "", "")
    ).encode()


async def test_a_silent_connection_is_cut(hasty: ServerProcess) -> None:
    took, said = await seconds_until_cut(hasty, _silent)
    assert HEAD_SECONDS * 0.9 <= took < HEAD_SECONDS + LATE
    assert said == b""


@pytest.mark.parametrize("first", [b"GET /", b"GET /health HTTP/1.1\r\nX-Slow: ", b"\r\n"])
async def test_a_dripping_head_is_cut(hasty: ServerProcess, first: bytes) -> None:
    drop = b"\r\n" if first == b"\r\n" else b"a"
    took, _ = await seconds_until_cut(hasty, _dripping(first, drop))
    assert HEAD_SECONDS * 0.9 <= took < HEAD_SECONDS + LATE


async def test_a_dripping_second_head_is_cut(hasty: ServerProcess) -> None:
    whole = _head(hasty, path="/health", method="GET")
    took, said = await seconds_until_cut(hasty, _dripping(whole + b"GET /health HT"))
    assert said.startswith(b"HTTP/1.1 200")
    assert took < HEAD_SECONDS + LATE


async def test_blank_lines_do_not_keep_a_connection(hasty: ServerProcess) -> None:
    took, _ = await seconds_until_cut(hasty, _dripping(_head(hasty, path="/health", method="GET"), b"\r\n"))
    assert took < HEAD_SECONDS + LATE


async def test_a_dripping_body_is_refused_and_cut(hasty: ServerProcess) -> None:
    took, said = await seconds_until_cut(hasty, _dripping(_head(hasty, "Content-Length: 1000") + b'{"name":"'))
    assert BODY_SECONDS * 0.9 <= took < BODY_SECONDS + LATE
    assert said.startswith(b"HTTP/1.1 408")
    assert _body(said)["code"] == "body_timeout"


async def test_a_dripping_chunked_body_is_refused_and_cut(hasty: ServerProcess) -> None:
    took, said = await seconds_until_cut(hasty, _dripping(_head(hasty, "Transfer-Encoding: chunked"), b"1\r\na\r\n"))
    assert BODY_SECONDS * 0.9 <= took < BODY_SECONDS + LATE
    assert said.startswith(b"HTTP/1.1 408")


async def test_a_dripping_file_is_refused_and_cut(hasty: ServerProcess) -> None:
    took, said = await seconds_until_cut(hasty, _dripping(_head(hasty, "Content-Length: 1000", path="/files?name=a")))
    assert BODY_SECONDS * 0.9 <= took < BODY_SECONDS + LATE
    assert said.startswith(b"HTTP/1.1 408")
    assert _body(said)["code"] == "body_timeout"


async def test_a_body_that_nobody_reads_is_cut(hasty: ServerProcess) -> None:
    took, said = await seconds_until_cut(hasty, _dripping(_head(hasty, "Content-Length: 100000", method="GET")))
    assert said.startswith(b"HTTP/1.1 200")
    assert took < HEAD_SECONDS + LATE


async def test_an_announced_body_over_the_limit_is_refused_unread(hasty: ServerProcess) -> None:
    took, said = await seconds_until_cut(hasty, _only(_head(hasty, "Content-Length: 99999999999")))
    assert said.startswith(b"HTTP/1.1 413")
    assert _body(said)["limit"] == 1024 * 1024
    assert took < BODY_SECONDS * 0.9


async def test_a_counted_body_over_the_limit_is_refused(hasty: ServerProcess) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    _, said = await seconds_until_cut(hasty, _only(_head(hasty, "Transfer-Encoding: chunked") + chunk * 17))
    assert said.startswith(b"HTTP/1.1 413")


async def test_a_head_without_end_is_refused(hasty: ServerProcess) -> None:
    _, said = await seconds_until_cut(hasty, _only(b"GET /health HTTP/1.1\r\n" + b"X-Long: aaaaaaaaaaaaaaaa\r\n" * (HEAD_LIMIT // 20)))
    assert said.startswith(b"HTTP/1.1 431") or not said


async def test_what_is_no_http_is_refused_in_our_shape(hasty: ServerProcess) -> None:
    _, said = await seconds_until_cut(hasty, _only(b"\x16\x03\x01 hello\r\n\r\n"))
    assert said.startswith(b"HTTP/1.1 400")
    assert _body(said)["code"] == "malformed"


async def test_an_address_has_so_many_places(hasty: ServerProcess) -> None:
    async with connect(hasty) as held:
        crowd = [await asyncio.open_connection(*_address(hasty)) for _ in range(12)]
        reader, writer = crowd[-1]
        writer.write(_head(hasty, path="/health", method="GET"))
        said = await _read_all(reader)
        assert said.startswith(b"HTTP/1.1 503")
        assert _body(said)["code"] == "connection_limit"
        assert b"retry-after:" in said.lower()
        for _, other in [held, *crowd]:
            other.close()
    async with asyncio.timeout(10):
        while (await asyncio.to_thread(ask, hasty.url, "GET", "/health")).status != 200:
            await asyncio.sleep(0.02)


def _only(content: bytes) -> Feed:
    async def feed(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return feed


def _address(server: ServerProcess) -> tuple[str, int]:
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def _body(said: bytes) -> dict[str, Any]:
    return json.loads(said.partition(b"\r\n\r\n")[2])


def test_a_port_in_use_is_said_with_advice() -> None:
    first = open_sockets("127.0.0.1", 0)
    port = first[0].getsockname()[1]
    with pytest.raises(SetupError, match=f"Port {port} is in use") as refused:
        open_sockets("127.0.0.1", port)
    assert str(port + 1) in refused.value.advice
    first[0].close()


def test_localhost_is_one_port_on_all_its_addresses() -> None:
    opened = open_sockets("localhost", 0)
    assert len({listener.getsockname()[1] for listener in opened}) == 1
    for listener in opened:
        listener.close()


async def test_a_draining_server_answers_what_it_has_and_takes_nothing_new() -> None:
    server = HttpServer(Settings(port=0))
    release = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await release.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(app))
        await server.started.wait()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        idle, _idle = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.sleep(0.05)
        server.begin_drain()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)
        assert await idle.read() == b""
        release.set()
        assert (await reader.read()).startswith(b"HTTP/1.1 204")
        writer.close()
        _idle.close()
        await server.close()
