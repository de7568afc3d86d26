"""Texts, names and roles that try to run something, or to have something fetched: nothing of it happens, wherever they are shown."""

import pytest
from playwright.async_api import expect

from tests.crash.form import LONG
from tests.web.agents import Team, echo
from tests.web.chats import open_chat
from tests.web.devices import Device, origin

# Each would set window.broken, or ask elsewhere.invalid for something.
CORPUS = (
    "<script>window.broken=1</script>",
    "<img src=x onerror=window.broken=1>",
    "<svg onload=window.broken=1></svg>",
    "<iframe srcdoc='<script>parent.broken=1</script>'></iframe>",
    "[press](javascript:window.broken=1)",
    "[press](JaVaScRiPt&colon;window.broken=1)",
    "[press](data:text/html;base64,PHNjcmlwdD5vcGVuZXIuYnJva2VuPTE8L3NjcmlwdD4=)",
    "<a href='vbscript:x' onclick=window.broken=1>press</a>",
    "![picture](http://elsewhere.invalid/picture.png)",
    "![picture](//elsewhere.invalid/picture.png)",
    "<link rel=stylesheet href=http://elsewhere.invalid/style.css>",
    "<style>@import 'http://elsewhere.invalid/style.css'; body { display: none }</style>",
    "<base href=http://elsewhere.invalid/><meta http-equiv=refresh content='0;url=http://elsewhere.invalid/'>",
    "<form action=http://elsewhere.invalid/><input autofocus onfocus=window.broken=1></form>",
    "```html\n</code></pre><script>window.broken=1</script>\n```",
    "| a |\n|---|\n| <img src=x onerror=window.broken=1> |",
    "[^1]\n\n[^1]: <img src=x onerror=window.broken=1>",
    "<details open ontoggle=window.broken=1>x</details>",
    "{{constructor.constructor('window.broken=1')()}} ${window.broken=1}",
    "\u202e\u2066\ufeff<\u200bscript>window.broken=1</script>",
)
SCREENS = ("", "/traffic", "/overview", "/activity", "/delegations", "/settings")


async def test_what_is_said_runs_nothing_and_fetches_nothing(desk: Device, team: Team) -> None:
    asked: list[str] = []
    desk.context.on("request", lambda request: asked.append(request.url))
    async with team.working(echo, "Echo") as worker:
        chat = await open_chat(desk, worker)
        for text in CORPUS:
            await chat.send(text)
        # All of it on one screen: what is not drawn can do nothing.
        await desk.page.set_viewport_size({"width": 1280, "height": 8_000})
        await expect(chat.log.get_by_role("article")).to_have_count(2 * len(CORPUS))
        await expect(chat.log.locator("article[data-state=replied]")).to_have_count(len(CORPUS))
        assert set(await chat.log.locator("a").evaluate_all("all => all.map(one => one.protocol)")) == {"http:"}
        await _nothing_happened(desk, asked)


@pytest.mark.parametrize("text", [">" * 3_000, "1. " * 3_900][: 2 if LONG else 1], ids=lambda text: text[:3])
async def test_a_text_too_deep_for_any_structure_is_shown_as_it_stands(desk: Device, team: Team, text: str) -> None:
    worker = await team.idle()
    for said in (text, "Letter 1."):
        await team.client.send(worker.id, said, wait=None)
    desk.faults.expect("Maximum call stack size exceeded")
    chat = await open_chat(desk, worker)
    await chat.shows("Letter 1.")
    await chat.shows(text.strip())


async def test_names_and_roles_run_nothing_on_any_screen(desk: Device, team: Team) -> None:
    asked: list[str] = []
    desk.context.on("request", lambda request: asked.append(request.url))
    evil = "<img src=x onerror=window.broken=1>"
    worker = await team.idle(evil, role=f"{evil} [x](javascript:window.broken=1)")
    await team.client.send(worker.id, evil, wait=None)
    for path in ("/team", "/talk", *(f"/w/{worker.id}{screen}" for screen in SCREENS), "/operate/health"):
        page = await desk.opened(path)
        await expect(page.locator("main").get_by_text(evil).first).to_be_visible()
        await _nothing_happened(desk, asked)
    await desk.page.keyboard.press("Control+k")
    await desk.page.keyboard.type(worker.name)
    await expect(desk.page.get_by_role("option", name=worker.name).first).to_be_visible()
    await _nothing_happened(desk, asked)


async def _nothing_happened(desk: Device, asked: list[str]) -> None:
    assert not await desk.page.evaluate("'broken' in window")
    assert {origin(url) for url in asked if not url.startswith("blob:")} == {desk.server.url}
