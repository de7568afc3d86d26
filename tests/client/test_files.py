"""The client keeps files and fetches them, through outages, and takes its token nowhere else."""

import asyncio

import pytest

from postroom.client import Client
from postroom.errors import KeyReused, NotFound, PostroomError
from tests.client.test_client import Writer, answering


async def test_what_was_kept_is_fetched(operator: Client) -> None:
    content = bytes(range(256)) * 10_000
    kept = await operator.upload("naïve & co.png", content)
    assert (kept["name"], kept["media_type"], kept["size"]) == ("naïve & co.png", "image/png", len(content))
    assert await operator.download(kept["url"]) == content
    assert (await operator.upload("x", b"x", media_type="text/plain"))["media_type"] == "text/plain"


async def test_a_refusal_is_its_error(operator: Client) -> None:
    key = (await operator.upload("a", b"1"))["id"]
    await operator.upload("a", b"1", key=key)
    with pytest.raises(KeyReused):
        await operator.upload("a", b"2", key=key)
    with pytest.raises(PostroomError) as refused:
        await operator.upload("a", b"")
    assert refused.value.name == "file_empty"


@pytest.mark.parametrize("elsewhere", ["https://example.org/x", "//example.org/x", "@example.org/x", "/files/../session", "/files/", "x"])
async def test_an_address_elsewhere_is_not_asked(operator: Client, elsewhere: str) -> None:
    with pytest.raises(NotFound):
        await operator.download(elsewhere)


async def test_an_upload_that_breaks_off_is_sent_again_under_its_key() -> None:
    heard: list[tuple[str, bytes]] = []

    async def answer(headers: dict[str, str], body: bytes, writer: Writer) -> None:
        heard.append((headers["idempotency-key"], body))
        if len(heard) == 2:
            writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\n{"id":"one"}')
            await writer.drain()

    async with answering(answer) as client, asyncio.timeout(30):
        assert await client.upload("a", b"bytes") == {"id": "one"}
    assert heard == [(heard[0][0], b"bytes")] * 2
