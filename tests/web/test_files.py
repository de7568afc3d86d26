"""Files in a chat: picked, dropped, shown, downloaded; what is refused; a server that dies while one is on its way."""

import hashlib
import os
import re
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, expect

from tests.support.server import ServerProcess
from tests.web.agents import Team, echo, hand_in
from tests.web.chats import open_chat
from tests.web.conftest import NewDevice
from tests.web.devices import AWAY, Device
from tests.web.test_reloads import killed

MIB = 1024 * 1024
# The next file is picked while the one before is still being read.
_SLOW_DISK = """() => {
    const read = File.prototype.arrayBuffer;
    File.prototype.arrayBuffer = async function () { await new Promise(done => setTimeout(done, 500)); return read.call(this) };
}"""
# Names that try to be a path, a tag, another name or another type, and as what they are shown.
EVIL = {
    "../../../etc/passwd": "passwd",
    "..\\..\\boot.ini": "boot.ini",
    "<img src=x onerror=window.broken=1>.txt": "<img src=x onerror=window.broken=1>.txt",
    '"><script>window.broken=1<\\script>.html': "script>.html",
    "\u202egnp.exe": "gnp.exe",
    "line\nbreak\x00.txt": "linebreak.txt",
    "x" * 400 + ".txt": "x" * 100,
}


def file(name: str, content: bytes = b"content", media_type: str = "application/octet-stream") -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": content}


async def test_a_file_goes_with_a_message_and_comes_back(desk: Device, team: Team, tmp_path: Path) -> None:
    content = os.urandom(3 * MIB)
    async with team.working(echo) as worker:
        chat = await open_chat(desk, worker)
        await chat.attach(file("data.bin", content))
        await chat.send("Look at this.")
        await chat.shows(f"You said: Look at this. [data.bin: {len(content)}]")
        async with desk.page.expect_download() as download:
            await chat.line("Look at this.").get_by_role("link", name="data.bin").click()
        await (await download.value).save_as(tmp_path / "data.bin")
        assert hashlib.sha256((tmp_path / "data.bin").read_bytes()).digest() == hashlib.sha256(content).digest()


async def test_an_agent_answers_with_a_file(phone: Device, team: Team, tmp_path: Path) -> None:
    async with team.working(hand_in) as worker:
        chat = await open_chat(phone, worker)
        await chat.send("the report")
        await chat.shows("Here is the report.")
        async with phone.page.expect_download() as download:
            await chat.line("Here is the report.").get_by_role("link", name="report.csv").click()
        await (await download.value).save_as(tmp_path / "report.csv")
        assert (tmp_path / "report.csv").read_bytes() == b"a,b\n1,2\n"


async def test_what_can_not_be_sent_is_refused_at_once_and_says_why(desk: Device, team: Team, tmp_path: Path) -> None:
    worker = await team.idle()
    chat = await open_chat(desk, worker)
    await chat.attach(file("nothing.txt", b""))
    await expect(chat.page.get_by_role("alert")).to_contain_text("nothing.txt is empty")
    with (tmp_path / "huge.bin").open("wb") as huge:
        huge.truncate(25 * MIB + 1)
    await chat.attach(tmp_path / "huge.bin")
    await expect(chat.page.get_by_role("alert")).to_contain_text("at most 25.0 MiB")
    await expect(chat.page.get_by_role("list", name="Attached files")).to_have_count(0)
    with (tmp_path / "huge.bin").open("wb") as huge:
        huge.truncate(25 * MIB)
    await chat.page.evaluate(_SLOW_DISK)
    await chat.attach(tmp_path / "huge.bin", tmp_path / "huge.bin", file("more.txt"))
    await expect(chat.page.get_by_role("alert")).to_contain_text("at most 50.0 MiB")
    await expect(chat.page.get_by_role("list", name="Attached files").get_by_role("listitem")).to_have_count(2)


@pytest.mark.parametrize("name", EVIL, ids=["path", "windows path", "tag", "script", "other direction", "control", "long"])
async def test_an_evil_name_is_only_a_name(desk: Device, team: Team, name: str) -> None:
    async with team.working(echo) as worker:
        chat = await open_chat(desk, worker)
        await chat.attach(file(name))
        attached = await chat.page.get_by_role("list", name="Attached files").inner_text()
        assert EVIL[name] in attached
        assert "\u202e" not in attached
        await chat.send("Look at this.")
        sent = chat.line("Look at this.")
        await expect(sent).to_have_attribute("data-state", "replied")
        await expect(sent.get_by_role("link")).to_have_attribute("href", re.compile("^/files/"))
        assert EVIL[name] in await sent.locator("[data-file]").inner_text()
        assert not await chat.page.evaluate("'broken' in window")


@pytest.mark.parametrize("reload", [False, True], ids=["page stays", "page reloaded"])
async def test_the_server_is_killed_while_a_file_is_on_its_way(
    new_device: NewDevice, mortal: ServerProcess, mortal_team: Team, reload: bool
) -> None:
    device = await new_device(server=mortal)
    device.faults.expect(*AWAY, "/files")
    async with mortal_team.working(echo) as worker:
        chat = await open_chat(device, worker)
        await device.slow_uploads(4 * MIB)
        await chat.attach(file("first.bin", bytes(8 * MIB)), file("second.bin", bytes(MIB)))
        async with device.page.expect_request(lambda request: "/files" in request.url):
            await chat.send("Both, please.")
        await killed(mortal)
        await device.slow_uploads(-1)
        if reload:
            await device.page.reload()
        await chat.shows(f"You said: Both, please. [first.bin: {8 * MIB}] [second.bin: {MIB}]")
        assert len(await mortal_team.history(worker)) == 2
