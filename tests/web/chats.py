"""A conversation as it stands on a screen, and what was said in it as the API has it: two witnesses that know nothing of each other."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import FilePayload, Locator, Page, expect

from tests.web.agents import Team, Worker
from tests.web.devices import SECONDS, Device

# Key and text of each message that is drawn, from above, without what it answers; two frames, so that what a scroll brought is there.
_DRAWN = """log => {
    const said = article => {
        const copy = article.cloneNode(true);
        copy.querySelector("[data-asked]")?.remove();
        return copy.textContent;
    };
    return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(
        [...log.querySelectorAll("article")].map(one => [one.dataset.messageId ?? one.dataset.key, said(one)])))));
}"""
_UP = "log => { log.scrollTop -= log.clientHeight * 0.8; return log.scrollTop }"


@dataclass(frozen=True)
class Chat:
    """The chat with one agent on one device."""

    page: Page
    worker: Worker

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox", name=f"Message to {self.worker.name}")

    async def send(self, text: str) -> None:
        """Write, and press the button: on a phone Enter breaks the line."""
        await self.box.fill(text)
        await self.page.get_by_role("button", name="Send", exact=True).click()

    async def attach(self, *files: FilePayload | Path) -> None:
        """Pick files."""
        for file in files:
            await self.page.get_by_label("Files to attach").set_input_files(file)

    def line(self, text: str) -> Locator:
        """The message that says exactly this."""
        words = self.page.get_by_text(text, exact=True).and_(self.page.locator(":not([data-asked] *)"))
        return self.log.get_by_role("article").filter(has=words)

    async def shows(self, text: str) -> None:
        """Wait until it is there, once."""
        await expect(self.line(text)).to_have_count(1)

    async def drawn(self) -> list[str]:
        """What each message on the screen says, from above."""
        return [text for _, text in await self._drawn()]

    async def everything(self, count: int) -> list[str]:
        """What each message says, from the first one on: read by scrolling up. There must come to be ``count``."""
        found = dict[str, str]()
        async with asyncio.timeout(2 * SECONDS):
            top = 1
            while top > 0 or len(found) < count:
                view = await self._drawn()
                assert len({key for key, _ in view}) == len(view), f"a message is there twice: {view}"
                found = {key: text for key, text in view if key not in found} | found
                top = await self.log.evaluate(_UP)
        return list(found.values())

    async def _drawn(self) -> list[tuple[str, str]]:
        found: list[list[str]] = await self.log.evaluate(_DRAWN)
        return [(key, text) for key, text in found]


async def open_chat(device: Device, worker: Worker) -> Chat:
    """Go to the chat with an agent."""
    return Chat(await device.opened(f"/w/{worker.id}"), worker)


def letters(numbers: Sequence[int]) -> list[str]:
    """Letters with these numbers, each with its answer."""
    return [said for number in numbers for said in (f"Letter {number}.", f"You said: Letter {number}.")]


def read(texts: Sequence[str]) -> list[str]:
    """The letters and answers among what a screen shows: the state and the age below them are not of the text."""
    return [found[0] for text in texts for found in [re.search(r"(You said: )?Letter \d+\.", text)] if found]


async def agree(chat: Chat, team: Team, expected: Sequence[str]) -> None:
    """The page and the API both say exactly this, in this order."""
    kept: list[dict[str, Any]] = await team.history(chat.worker)
    assert [entry["content"] for entry in kept] == list(expected)
    assert read(await chat.everything(len(expected))) == list(expected)
