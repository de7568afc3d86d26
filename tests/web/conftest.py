"""A real server and a real Chromium per test worker; a fresh browser context per device, judged for complaints when its test is over.

All tests here share one event loop, the browser's: its connection lives on the loop that it was made on.
"""

import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from postroom.client import Client
from tests.support.asked import asking
from tests.support.server import ServerProcess
from tests.web.agents import Team
from tests.web.browser import MISSING, find_browser, launch
from tests.web.devices import DESK, LIGHT, PHONE, Device, Options, make_device

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tmp" / "web"
"""Pictures of tests that failed; with TRACES=1, which takes a sixth more time, traces too: ``playwright show-trace``."""
TRACED = os.environ.get("TRACES") == "1"

_FAILED = pytest.StashKey[bool]()

NewDevice = Callable[..., Awaitable[Device]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(180))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def house(short_directory: Path) -> Generator[ServerProcess]:
    """The server that the pages are of; other suites leave nothing on it."""
    process = ServerProcess(short_directory / "page", poll_seconds="0.2", backoff_seconds="0.1", attempt_limit="4")
    try:
        yield process.start()
    finally:
        process.destroy()


@pytest.fixture(scope="session")
def _mortal(short_directory: Path) -> Generator[ServerProcess]:
    process = ServerProcess(short_directory / "mortal", poll_seconds="0.2", backoff_seconds="0.1", lease_seconds="5")
    yield process
    process.destroy()


@pytest.fixture
def mortal(_mortal: ServerProcess) -> ServerProcess:
    """A server that tests may kill; the next one finds it alive."""
    return _mortal.start() if _mortal.ended else _mortal


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Where Chromium is."""
    found = find_browser()
    if found is None:
        pytest.skip(MISSING)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(browser_path: str) -> AsyncGenerator[Browser]:
    """A Chromium, started once."""
    async with async_playwright() as playwright:
        running = await launch(playwright, browser_path)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def operator(house: ServerProcess) -> AsyncGenerator[Client]:
    """The operator's client of the server that the pages are of."""
    async with house.client() as client:
        yield client


@pytest.fixture
def team(house: ServerProcess, operator: Client, tmp_path: Path) -> Team:
    """Who works at the server that the pages are of."""
    return Team(house, operator, tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def mortal_team(mortal: ServerProcess, tmp_path: Path) -> AsyncGenerator[Team]:
    """Who works at the server that tests may kill."""
    async with mortal.client() as client:
        yield Team(mortal, client, tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def new_device(request: pytest.FixtureRequest, browser: Browser, house: ServerProcess) -> AsyncGenerator[NewDevice]:
    """Makes browsers for a test, logged in unless it says otherwise."""
    made: list[Device] = []

    async def make(size: Options = DESK, *, theme: str = LIGHT, server: ServerProcess = house, logged_in: bool = True) -> Device:
        device = await make_device(browser, server, size, theme)
        made.append(device)
        if TRACED:
            await device.context.tracing.start(snapshots=True)
        if logged_in:
            await device.log_in()
        return device

    yield make
    faults = [fault for device in made for fault in device.faults.unexpected]
    failed = asking(request).stash.get(_FAILED, False) or bool(faults)
    for number, device in enumerate(made):
        await _close(device, KEPT / f"{_file_name(asking(request).name)}-{number}" if failed else None)
    assert not faults, "the page complained:\n" + "\n".join(faults)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(new_device: NewDevice, request: pytest.FixtureRequest) -> Device:
    """A browser on a desk, logged in; a parameter is other options."""
    return await new_device(getattr(request, "param", DESK))


@pytest_asyncio.fixture(loop_scope="session")
async def phone(new_device: NewDevice) -> Device:
    """A phone, logged in."""
    return await new_device(PHONE)


async def _close(device: Device, keep: Path | None) -> None:
    if keep is not None:
        KEPT.mkdir(parents=True, exist_ok=True)
        await device.page.screenshot(path=keep.with_suffix(".png"))
    if TRACED:
        await device.context.tracing.stop(path=keep and keep.with_suffix(".zip"))
    await device.context.close()


def _file_name(test: str) -> str:
    return re.sub(r"[^\w.-]+", "-", test)[:120]
