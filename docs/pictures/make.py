"""Draw docs/pictures/terminal.svg from a real session: a new post room with its demo team, and what the first commands print.

    .venv/bin/python docs/pictures/make.py

Commands run at a terminal of their own (a pty), so they print what a person sees. Changed afterwards: the port, so that the picture
says what the README says, the code of the login link, and log lines are left out.
"""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURE = Path(__file__).parent / "terminal.svg"
COLUMNS, ROWS = 92, 60
PORT = 8080
LEFT_OUT = re.compile(r"does not run as root|^\S*20\d\d-\d\d-\d\dT")
START_SECONDS = 60.0
POSTROOM = Path(sys.executable).with_name("postroom")
COMMANDS = ("send Echo hello", 'send Lead "3 apples and 4 pears"', "delegations Lead")

THEME = TerminalTheme(
    (24, 26, 32),
    (214, 218, 226),
    [(60, 64, 74), (235, 110, 110), (132, 204, 134), (229, 192, 110), (115, 168, 245), (198, 140, 236), (98, 200, 206), (214, 218, 226)],
    [
        (124, 130, 144),
        (245, 140, 140),
        (160, 222, 160),
        (240, 210, 140),
        (145, 188, 250),
        (214, 166, 244),
        (130, 216, 220),
        (245, 247, 250),
    ],
)


class Terminal:
    """A command at a pty."""

    def __init__(self, words: str, environment: dict[str, str]) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {POSTROOM} {words}"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        self._ours = ours
        self.printed = b""

    def read_until(self, mark: bytes | None) -> str:
        """Everything up to the end of the line that holds the mark; without one, up to the end."""
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up and not (mark and re.search(re.escape(mark) + rb"[^\n]*\n", self.printed)):
            if not select.select([self._ours], [], [], 1.0)[0]:
                continue
            try:
                chunk = os.read(self._ours, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            if not chunk:
                break
            self.printed += chunk
        return shown(self.printed.decode())


def shown(printed: str) -> str:
    """What is left on the screen, with its colours: lines that were wiped are gone, as a progress line is."""
    rows, row = [""], 0
    for piece in re.findall(r"\x1b\[\??[0-9;]*[A-Za-z]|\n|[^\x1b\n\r]+", printed):
        if piece == "\n":
            row += 1
            rows += [""] * (row == len(rows))
        elif piece.endswith("A") and piece.startswith("\x1b"):
            row = max(0, row - int(piece[2:-1] or 1))
        elif piece == "\x1b[2K":
            rows[row] = ""
        elif not piece.startswith("\x1b") or piece.endswith("m"):
            rows[row] += piece
    return "\n".join(rows).strip("\n")


def free_port() -> int:
    """Of four digits, as the one that it stands for."""
    for port in range(8081, 9999):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")


def session(data: Path) -> list[tuple[str, str]]:
    """Commands and what they printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    environment = kept | {
        "POSTROOM_DATA": str(data),
        "POSTROOM_STATE": str(data / "state"),
        "TERM": "xterm-256color",
        "SSH_CONNECTION": "none",
    }
    port = free_port()
    server = Terminal(f"up --demo --no-open --port {port}", environment)
    try:
        said = [("make up", server.read_until(b"#prl_"))]
        said += [(f".venv/bin/postroom {words}", Terminal(words, environment).read_until(None)) for words in COMMANDS]
    finally:
        server.process.send_signal(signal.SIGTERM)
        server.read_until(None)
        server.process.wait(START_SECONDS)
    return [(command, published(text, port)) for command, text in said]


def published(text: str, port: int) -> str:
    """The usual port, and no code; log lines, which carry times and ids of this very run, are left out."""
    text = re.sub(r"#prl_\S+", "#prl_…", text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{PORT}"))
    return "\n".join(line for line in text.split("\n") if not LEFT_OUT.search(line))


def draw(said: list[tuple[str, str]]) -> str:
    """The picture."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor")
    for number, (command, text) in enumerate(said):
        if number:
            console.print()
        console.print(Text.assemble(("$ ", "bright_black"), (command, "bold bright_white")))
        console.print(Text.from_ansi(text), soft_wrap=True)
    # Without its fonts, which would be fetched from elsewhere: whoever looks has one of their own.
    form = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
        "Fira Code", "ui-monospace, Menlo, Consolas"
    )
    form = re.sub(r"<!-- .*? -->", "", form)
    return console.export_svg(title="postroom", theme=THEME, code_format=form, unique_id="postroom")


if __name__ == "__main__":
    directory = Path(tempfile.mkdtemp(prefix="postroom-picture-", dir="/tmp"))
    directory.chmod(0o711)
    conversation = session(directory / "data")
    PICTURE.write_text(draw(conversation), encoding="utf-8")
    for command, text in conversation:
        sys.stdout.write(f"$ {command}\n{Text.from_ansi(text).plain}\n\n")
