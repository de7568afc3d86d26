"""A line typed at a terminal, while other lines may appear above it."""

import sys
import threading
from collections.abc import Callable


class Prompt:
    """Line editing with the prompt kept whole when something is shown in between."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lock = threading.Lock()
        self._typing = False
        _load_line_editing()

    def read(self) -> str:
        """The next line. Raises EOFError (Ctrl-D) and KeyboardInterrupt (Ctrl-C)."""
        with self._lock:
            self._typing = True
        try:
            return input(self._text)
        finally:
            with self._lock:
                self._typing = False

    def interject(self, show: Callable[[], None]) -> None:
        """Show something above the line that is being typed, from any thread; what was typed so far stays."""
        with self._lock:
            if self._typing:
                sys.stdout.write("\r\x1b[K")
            show()
            if self._typing:
                sys.stdout.write(self._text + _typed_so_far())
                sys.stdout.flush()


def _load_line_editing() -> None:
    try:
        import readline  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        # Windows has none; the console edits lines by itself there.
        return


def _typed_so_far() -> str:
    try:
        import readline
    except ImportError:
        return ""
    return readline.get_line_buffer()
