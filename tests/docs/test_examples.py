"""The examples of README.md and docs/*.md run, each page from top to bottom as a reader would, on a real server with its demo team.

What a block is, is in its first line: ``sh`` is run; ``sh background`` is started and runs until the page ends; ``python`` that begins with
``# name.py`` is put into that file; ``console`` and everything else is there to be read. A page has one directory, with ``.venv`` in it.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.demo import PostRoom
from tests.support.server import wait_for

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```([a-z ]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK_SECONDS = 45.0
# An agent that was started a moment ago may still be on its way in.
NO_SUCH_WORKSPACE = 5

pytestmark = [pytest.mark.xdist_group("examples"), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def post_room(short_directory: Path) -> Generator[PostRoom]:
    """One server for all pages."""
    made = PostRoom(short_directory / "examples")
    try:
        yield made.start()
    finally:
        made.destroy()


@pytest.fixture
def place() -> Generator[Path]:
    """A directory of the page's own, where ``.venv`` is as in a checkout."""
    directory = Path(tempfile.mkdtemp(prefix="postroom-page-"))
    (directory / ".venv").symlink_to(sys.prefix)
    yield directory
    shutil.rmtree(directory)


@pytest.mark.parametrize("page", [page for page in PAGES if "```sh" in page.read_text()], ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page: Path, place: Path, post_room: PostRoom) -> None:
    environment = _environment(place, post_room)
    with ExitStack() as ends:
        for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            here = text.replace("http://127.0.0.1:8080", post_room.url)
            if kind == "python" and (named := re.match(r"# ([\w/]+\.py)\n", here)):
                (place / named[1]).write_text(here)
            elif kind == "sh background":
                ends.callback(_end, _start(here, place, environment))
            elif kind == "sh":
                wait_for(lambda block=here: _run(block, place, environment), BLOCK_SECONDS, f"this runs:\n{here}")


def _environment(place: Path, post_room: PostRoom) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    return kept | {
        "PATH": f"{place / '.venv' / 'bin'}{os.pathsep}{kept['PATH']}",
        "POSTROOM_URL": post_room.url,
        "POSTROOM_TOKEN": post_room.operator_token,
        "POSTROOM_STATE": str(place / "state"),
    }


def _run(block: str, place: Path, environment: dict[str, str]) -> bool:
    answer = subprocess.run(
        ["bash", "-euc", block], cwd=place, env=environment, capture_output=True, text=True, timeout=BLOCK_SECONDS, check=False
    )
    assert answer.returncode in (0, NO_SUCH_WORKSPACE), f"{block}\n{answer.stdout}\n{answer.stderr}"
    return answer.returncode == 0


def _start(block: str, place: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (place / "background.log").open("ab") as log:
        return subprocess.Popen(["bash", "-euc", block], cwd=place, env=environment, stdout=log, stderr=log, start_new_session=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.poll() is None, "what runs in the background has ended before its page did"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
