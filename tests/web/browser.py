"""The Chromium that drives the page in tests: found here, brought by ``make browser``, named nowhere else."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.async_api import Browser, Playwright
from playwright.sync_api import sync_playwright

MISSING = (
    "browser: there is no Chromium, and neither Playwright nor apt-get brings one. Install Chromium or Chrome so that it is on the PATH; "
    "until then the tests of the page are skipped."
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_START_SECONDS = 60
_INSTALL_SECONDS = 300
# It asks nobody but our servers: no updates, no lists of bad sites, and no name is ever looked up.
_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def find_browser() -> str | None:
    """The path of a Chromium that starts: one on the PATH, else Playwright's own."""
    return next((path for path in _candidates() if _starts(path)), None)


async def launch(playwright: Playwright, path: str) -> Browser:
    """Start it without a window. Playwright gives it no sandbox, which root could not have: it sees pages of ours only."""
    return await playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, _NAMES))
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if Path(own).exists():
        yield own


def _starts(path: str) -> bool:
    # One that was unpacked need not start: libraries of the system may be missing.
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=_START_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _ways() -> Iterator[Sequence[str]]:
    """How to come by one, best first."""
    yield sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"
    if shutil.which("apt-get") is None:
        return
    root = () if os.geteuid() == 0 else ("sudo", "-n")
    install = (*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qq", "-y", "--no-install-recommends")
    yield *install, "chromium", "fonts-liberation"
    yield *root, "apt-get", "update", "-qq"
    yield *install, "chromium", "fonts-liberation"


def _try(command: Sequence[str]) -> None:
    """Run it for what it may bring; whether it did is seen by looking."""
    try:
        subprocess.run(command, capture_output=True, timeout=_INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"browser: {error}")


def main() -> None:
    """Bring a Chromium to a machine that has none. Never fails: what is missing is said, here and by the tests that are skipped."""
    for command in _ways():
        if find_browser():
            break
        print(f"browser: trying {' '.join(command)}")
        _try(command)
    found = find_browser()
    print(f"browser: {found}" if found else MISSING)


if __name__ == "__main__":
    main()
