"""What a page complains of while a test runs: none of it is tolerated unless the test named it."""

import re

from playwright.async_api import BrowserContext, ConsoleMessage, Request, WebError

# A request that the page itself gave up, by a reload or because its answer was not wanted any more, has not failed.
_GIVEN_UP = "net::ERR_ABORTED"
# Where a test wants no service worker.
_BLOCKED = "^console warning: Service Worker registration blocked by Playwright"


class Faults:
    """Errors and warnings in the console (violations of the policy among them), uncaught errors, requests that failed."""

    def __init__(self, context: BrowserContext) -> None:
        self.seen: list[str] = []
        self._expected = [re.compile(_BLOCKED)]
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("requestfailed", self._failed)

    def expect(self, *patterns: str) -> None:
        """What the test is about to bring on; a pattern that is found in a complaint excuses it."""
        self._expected += map(re.compile, patterns)

    @property
    def unexpected(self) -> list[str]:
        return [fault for fault in self.seen if not any(pattern.search(fault) for pattern in self._expected)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.seen.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _error(self, error: WebError) -> None:
        self.seen.append(f"uncaught: {error.error}")

    def _failed(self, request: Request) -> None:
        if request.failure != _GIVEN_UP:
            self.seen.append(f"failed: {request.method} {request.url}: {request.failure}")
