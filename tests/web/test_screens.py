"""What holds for every screen: no serious finding of axe in either theme, and room enough on the narrowest phone."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.web.agents import Team
from tests.web.conftest import ROOT, NewDevice
from tests.web.devices import DARK, DESK, LIGHT, NARROWEST, PHONE, Options
from tests.web.screens import LONG, cut_off, furnished, settled

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
# A row of the tree is read out as one sentence, of which its parts on the screen are no label (WCAG 2.5.3 speaks of labels).
FINDINGS = """only => axe.run({resultTypes: ["violations"], ...(only && {runOnly: only})}).then(({violations}) => violations
    .filter(({impact}) => impact === "serious" || impact === "critical")
    .flatMap(({id, nodes}) => nodes.map(({html, failureSummary}) => `${id}: ${html.slice(0, 200)} ${failureSummary}`))
    .filter((finding) => !/^label-content-name-mismatch: <div role="treeitem"/.test(finding)))"""


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_axe_has_nothing_serious_to_say(new_device: NewDevice, team: Team, size: Options) -> None:
    device = await new_device(size)
    findings: dict[str, list[str]] = {}
    async with furnished(team) as paths:
        for path in paths:
            await settled(await device.opened(path))
            findings |= await axe_in_both_themes(device.page, path)
        await device.page.keyboard.press("Control+k")
        await expect(device.page.get_by_placeholder("An agent, a page")).to_be_focused()
        findings |= await axe_in_both_themes(device.page, "the palette")
    assert findings == {}


async def test_axe_has_nothing_serious_to_say_of_the_way_in(new_device: NewDevice) -> None:
    for theme in (LIGHT, DARK):
        device = await new_device(theme=theme, logged_in=False)
        device.faults.expect("status of 401")
        page = await device.open()
        await expect(page.get_by_label("Login link or code")).to_be_visible()
        assert await axe(page, f"login, {theme}") == {}


@pytest.mark.parametrize(("size", "theme"), [(NARROWEST, DARK), (DESK, LIGHT)], ids=["phone-dark", "desk"])
async def test_a_page_without_its_server_is_within_the_rules(new_device: NewDevice, team: Team, size: Options, theme: str) -> None:
    device = await new_device(size, theme=theme)
    async with cut_off(device, (await team.idle(LONG)).id):
        assert await axe(device.page, "away") == {}
        assert await device.width() == size["viewport"]["width"]


async def test_nothing_is_wider_than_the_narrowest_phone(new_device: NewDevice, team: Team) -> None:
    device = await new_device(NARROWEST)
    wide: dict[str, int] = {}
    async with furnished(team) as paths:
        for path in paths:
            await settled(await device.opened(path))
            wide[path] = await device.width()
    assert {path: width for path, width in wide.items() if width > 320} == {}


async def axe_in_both_themes(page: Page, place: str) -> dict[str, list[str]]:
    """A theme is colours and nothing else."""
    found = await axe(page, place)
    await page.emulate_media(color_scheme="dark")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    found |= await axe(page, f"{place}, dark", only=["color-contrast"])
    await page.emulate_media(color_scheme="light")
    return found


async def axe(page: Page, place: str, only: list[str] | None = None) -> dict[str, list[str]]:
    """What axe-core finds, by the place where; by evaluation, as the policy lets no script of ours in."""
    await page.evaluate(AXE.read_text())
    found: Any = await page.evaluate(FINDINGS, only)
    return {place: found} if found else {}
