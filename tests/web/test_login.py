"""The way in and out: a link, a code, a session that ends elsewhere."""

from playwright.async_api import expect

from tests.web.conftest import NewDevice
from tests.web.devices import PHONE, REFUSED, Device, login_link, origin


async def test_a_link_lets_in_once_and_leaves_nothing_in_the_address_bar(new_device: NewDevice) -> None:
    first = await new_device(logged_in=False)
    link = login_link(first.server)
    await first.page.goto(link)
    await first.connected()
    assert "#" not in first.page.url
    assert link.partition("#")[2] not in await first.page.evaluate("JSON.stringify([location.href, history.state, document.referrer])")

    second = await new_device(logged_in=False)
    second.faults.expect(REFUSED)
    await second.page.goto(link)
    await expect(second.page.get_by_role("alert")).to_contain_text("was used")
    await expect(second.page.get_by_role("alert")).not_to_contain_text("`")
    assert "#" not in second.page.url


async def test_a_link_that_is_pasted_over_the_open_page_lets_in(new_device: NewDevice) -> None:
    device = await new_device(logged_in=False)
    device.faults.expect(REFUSED)
    page = await device.open()
    await expect(page.get_by_label("Login link or code")).to_be_visible()
    await page.goto(login_link(device.server))
    await device.connected()
    assert "#" not in page.url


async def test_a_spent_link_sends_nobody_away_who_is_let_in(desk: Device) -> None:
    desk.faults.expect(REFUSED)
    await desk.open("/#prl_spent")
    await desk.connected()
    assert "#" not in desk.page.url


async def test_a_code_may_be_pasted_and_a_wrong_one_is_told(new_device: NewDevice) -> None:
    device = await new_device(PHONE, logged_in=False)
    device.faults.expect(REFUSED)
    page = await device.open()
    field = page.get_by_label("Login link or code")
    await field.fill("prl_wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    await field.fill(login_link(device.server))
    await page.get_by_role("button", name="Log in").click()
    await device.connected()


async def test_a_session_that_ends_elsewhere_asks_for_a_login_over_the_page(desk: Device) -> None:
    page = await desk.opened("/operate/health")
    desk.faults.expect(REFUSED)
    await desk.end_session()
    over = page.get_by_role("dialog", name="You are logged out")
    await expect(over).to_be_visible()
    await over.get_by_label("Login link or code").fill(login_link(desk.server))
    await over.get_by_role("button", name="Log in").click()
    await expect(over).to_be_hidden()
    await desk.connected()
    assert page.url == f"{desk.server.url}/operate/health"


async def test_who_logs_out_is_out(desk: Device) -> None:
    page = await desk.opened("/team")
    desk.faults.expect(REFUSED)
    await page.get_by_role("button", name="More", exact=True).click()
    await page.get_by_role("menuitem", name="Log out").click()
    await expect(page.get_by_role("status").filter(has_text="You are logged out.")).to_be_visible()
    assert not [cookie for cookie in await desk.context.cookies() if "postroom" in cookie.get("name", "")]
    await page.go_back()
    await expect(page.get_by_label("Login link or code")).to_be_visible()


async def test_a_page_asks_nobody_but_its_server(new_device: NewDevice) -> None:
    device = await new_device(logged_in=False)
    asked: list[str] = []
    device.context.on("request", lambda request: asked.append(request.url))
    await device.page.goto(login_link(device.server))
    await device.connected()
    assert {origin(url) for url in asked} == {device.server.url}
