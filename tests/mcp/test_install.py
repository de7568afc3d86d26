"""``postroom mcp install`` on the files of every client: ours goes in and out, and not a byte of anybody else's changes."""

import asyncio
import json
import os
import stat
import subprocess
import sys
import tomllib
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from postroom.cli import main
from postroom.cli.clients.jsonc import put, read, remove
from postroom.cli.exits import ExitCode
from postroom.client import Client
from tests.support.server import ServerProcess, make_agent

Ran = subprocess.CompletedProcess[str]
Json = dict[str, Any]

# Where each client looks, below the home directory, and where the entry stands in what it reads.
FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "claude-code": (".claude.json", ("mcpServers",)),
    "codex": (".codex/config.toml", ("mcp_servers",)),
    "cursor": (".cursor/mcp.json", ("mcpServers",)),
    "cline": (".cline/data/settings/cline_mcp_settings.json", ("mcpServers",)),
    "opencode": (".config/opencode/opencode.json", ("mcp",)),
    "vscode": (".config/Code/User/mcp.json", ("servers",)),
}
PROJECT_FILES = {
    "claude-code": ".mcp.json",
    "codex": ".codex/config.toml",
    "cursor": ".cursor/mcp.json",
    "opencode": "opencode.json",
    "vscode": ".vscode/mcp.json",
}
COMMENTED = """{
    // what we work with
    "theme": "dark", /* "mcpServers": {} */
    "%(table)s": {
        "other": {
            "command": "npx", // not ours
            "args": ["-y", "other"],
        },
    },
    "last": [1, 2.50, null]
}
"""
TOML = """# what we work with
model = "o3"   # the old one

[mcp_servers.other]
command = "npx"  # not ours
args = [
  "-y", # yes
  "other",
]

[mcp_servers.other.env]
A = 'b'

[profiles.fast]
model = "mini"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def install(home: Path, *words: str, cwd: Path | None = None, **environ: str) -> Ran:
    return postroom(home, "install", *words, cwd=cwd, **environ)


def postroom(home: Path, *words: str, cwd: Path | None = None, **environ: str) -> Ran:
    """The command within this process, for it runs a hundred times here; ``test_the_command_as_a_process`` has the real one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POSTROOM_", "XDG_", "CLAUDE", "CODEX", "CLINE"))}
    out, err, code = StringIO(), StringIO(), 0
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        chdir(cwd or home),
        patch.dict(os.environ, kept | {"HOME": str(home), **environ}, clear=True),
        patch.object(sys, "argv", ["postroom", "mcp", *words]),
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Ran(words, code, out.getvalue(), err.getvalue())


def document(path: Path) -> Json:
    text = path.read_bytes().decode()
    return tomllib.loads(text) if path.suffix == ".toml" else read(text)


def entry(path: Path, table: tuple[str, ...], name: str = "postroom") -> Json:
    found = document(path)
    for key in (*table, name):
        found = found[key]
    return found


def words_of(entry: Json) -> list[str]:
    command: list[str] | str = entry["command"]
    return command if isinstance(command, list) else [command, *entry["args"]]


def written(home: Path, client: str, text: str) -> Path:
    path = home / FILES[client][0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def sample(client: str) -> str:
    return TOML if client == "codex" else COMMENTED % {"table": FILES[client][1][0]}


@pytest.mark.parametrize("client", FILES)
def test_a_new_file_holds_our_entry_alone_and_is_its_owners(client: str, home: Path) -> None:
    ran = install(home, client, "--name", "Coder")
    assert ran.returncode == 0, ran.stderr
    name, table = FILES[client]
    path = home / name
    assert words_of(entry(path, table))[-3:] == ["mcp", "--name", "Coder"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir() if file.name.startswith(f".{path.name}.")] == []


def test_the_command_as_a_process(home: Path) -> None:
    """And the entry starts this very command, without a PATH."""
    command = Path(sys.executable).with_name("postroom")
    subprocess.run([command, "mcp", "install", "cursor", "--name", "Coder"], env={"HOME": str(home)}, check=True, timeout=60)
    assert words_of(entry(home / FILES["cursor"][0], ("mcpServers",))) == [str(command), "mcp", "--name", "Coder"]


@pytest.mark.parametrize("client", FILES)
def test_what_others_wrote_stays_byte_for_byte_and_uninstall_gives_it_back(client: str, home: Path) -> None:
    path = written(home, client, sample(client))
    path.chmod(0o640)
    assert install(home, client, "--name", "Coder").returncode == 0
    before, after = sample(client).splitlines(), path.read_text().splitlines()
    assert [line for line in before if line not in after] == []
    assert words_of(entry(path, FILES[client][1]))[-1] == "Coder"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert postroom(home, "uninstall", client).returncode == 0
    assert path.read_text().rstrip("\n") == sample(client).rstrip("\n")


@pytest.mark.parametrize("client", FILES)
def test_our_entry_is_brought_up_to_date_and_what_was_added_to_it_stays(client: str, home: Path) -> None:
    path = written(home, client, sample(client))
    install(home, client, "--name", "Coder")
    if client == "codex":
        path.write_text(path.read_text().replace("[mcp_servers.postroom]\n", "[mcp_servers.postroom]\nenabled = true # mine\n"))
    else:
        path.write_text(path.read_text().replace('"postroom": {', '"postroom": {\n"disabled": true, // mine'))
    ran = install(home, client, "--name", "Reviewer", "--name", "Coder")
    assert "Updated" in ran.stderr
    assert words_of(entry(path, FILES[client][1]))[-4:] == ["--name", "Reviewer", "--name", "Coder"]
    assert "mine" in path.read_text()
    text = path.read_bytes()
    assert "Already there" in install(home, client, "--name", "Reviewer", "--name", "Coder").stderr
    assert path.read_bytes() == text


@pytest.mark.parametrize("client", FILES)
def test_an_entry_that_is_not_ours_is_never_touched(client: str, home: Path) -> None:
    path = written(home, client, sample(client))
    text = path.read_bytes()
    for act in ("install", "uninstall"):
        more = ["--name", "Coder"] if act == "install" else []
        ran = postroom(home, act, client, *more, "--entry", "other")
        assert ran.returncode == ExitCode.REFUSED
        assert "not ours" in ran.stderr
    assert path.read_bytes() == text


@pytest.mark.parametrize("client", FILES)
@pytest.mark.parametrize("broken", ["[[[", "[1, 2]", "\ufffe", '{"a": 1, "a": 2}'])
def test_a_file_that_can_not_be_read_for_certain_is_left_alone(client: str, broken: str, home: Path) -> None:
    path = written(home, client, broken)
    path.write_bytes(b"\xff\xfe{}" if broken == "\ufffe" else broken.encode())
    text = path.read_bytes()
    ran = install(home, client, "--name", "Coder")
    assert ran.returncode == ExitCode.REFUSED
    assert "Traceback" not in ran.stderr
    assert path.read_bytes() == text


@pytest.mark.parametrize("client", ["claude-code", "codex"])
def test_a_link_stays_a_link_and_its_file_is_written(client: str, home: Path) -> None:
    real = home / "dotfiles" / "configuration"
    real.parent.mkdir()
    real.write_text(sample(client))
    path = home / FILES[client][0]
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(real)
    assert install(home, client, "--name", "Coder").returncode == 0
    assert path.is_symlink()
    assert "Coder" in real.read_text()


@pytest.mark.parametrize("client", ["claude-code", "codex"])
def test_an_empty_file_is_as_good_as_none(client: str, home: Path) -> None:
    path = written(home, client, "")
    assert install(home, client, "--name", "Coder").returncode == 0
    assert words_of(entry(path, FILES[client][1]))[-1] == "Coder"


def test_line_ends_and_byte_order_mark_of_another_system_stay(home: Path) -> None:
    text = "\ufeff" + (COMMENTED % {"table": "servers"}).replace("\n", "\r\n")
    path = written(home, "vscode", text)
    install(home, "vscode", "--name", "Coder")
    assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf{")
    postroom(home, "uninstall", "vscode")
    assert path.read_bytes() == text.encode()


def test_opencode_is_written_in_the_form_that_its_file_has(home: Path) -> None:
    path = written(home, "opencode", '{"mcp": {"servers": {}}}').rename(home / ".config/opencode/opencode.jsonc")
    assert install(home, "opencode", "--name", "Coder").returncode == 0
    assert words_of(entry(path, ("mcp", "servers")))[-1] == "Coder"
    assert not (home / FILES["opencode"][0]).exists()


@pytest.mark.parametrize("client", PROJECT_FILES)
def test_a_project_has_a_file_of_its_own(client: str, home: Path) -> None:
    project = home / "project"
    project.mkdir()
    assert install(home, client, "--name", "Coder", "--project", cwd=project).returncode == 0
    assert words_of(entry(project / PROJECT_FILES[client], FILES[client][1]))[-1] == "Coder"
    assert not (home / FILES[client][0]).exists()
    assert postroom(home, "uninstall", client, "--project", cwd=project).returncode == 0
    assert "Coder" not in (project / PROJECT_FILES[client]).read_text()


@pytest.mark.parametrize("client", FILES)
def test_print_shows_what_would_be_written_and_writes_nothing(client: str, home: Path) -> None:
    ran = install(home, client, "--operator", "--print", "--data", "place")
    shown = tomllib.loads(ran.stdout) if client == "codex" else json.loads(ran.stdout)
    for key in (*FILES[client][1], "postroom-operator"):
        shown = shown[key]
    assert words_of(shown)[-4:] == ["mcp", "--operator", "--data", str(home / "place")]
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["emacs", "--name", "Coder"], ExitCode.USAGE),
        (["cline", "--name", "Coder", "--project"], ExitCode.USAGE),
        (["codex"], ExitCode.UNREACHABLE),
        (["codex", "--name", "Coder", "--server", "http://127.0.0.1:9"], ExitCode.NOT_PERMITTED),
    ],
)
def test_what_can_not_work_is_said_and_nothing_is_written(words: list[str], code: ExitCode, home: Path) -> None:
    ran = install(home, *words)
    assert ran.returncode == code
    assert "Next: " in ran.stderr
    assert not (home / ".codex").exists()


def test_without_a_client_it_says_which_there_are(home: Path) -> None:
    install(home, "cursor", "--name", "Coder")
    written(home, "codex", "[[[")
    lines = dict(line.split("\t")[:2] for line in install(home).stdout.splitlines())
    assert lines["cursor"] == "installed"
    assert lines["claude-code"] == "no file yet"
    assert "left as it is" in lines["codex"]


def test_uninstall_where_nothing_is_installed_changes_nothing(home: Path) -> None:
    path = written(home, "cursor", sample("cursor"))
    ran = postroom(home, "uninstall", "cursor")
    assert (ran.returncode, path.read_text()) == (0, sample("cursor"))
    assert postroom(home, "uninstall", "vscode").returncode == 0
    assert not (home / FILES["vscode"][0]).exists()


def test_no_token_is_written_and_the_command_finds_it(home: Path, server: ServerProcess) -> None:
    ran = install(home, "cursor", "--name", "Installed", POSTROOM_URL=server.url, POSTROOM_TOKEN=server.operator_token)
    assert ran.returncode == 0, ran.stderr
    path = home / FILES["cursor"][0]
    assert words_of(entry(path, ("mcpServers",)))[-4:] == ["--name", "Installed", "--server", server.url]
    assert "prw_" not in path.read_text()
    (place,) = (home / ".postroom" / "agents" / "places").rglob("*.json")
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    own = json.loads(place.read_text())["token"]
    ran = install(home, "cursor", POSTROOM_URL=server.url, POSTROOM_TOKEN=own)
    assert "Already there" in ran.stderr


async def test_the_token_of_another_workspace_is_refused_and_nothing_is_written(
    home: Path, server: ServerProcess, operator: Client
) -> None:
    await make_agent(operator, "Somebody else's")
    _, token = await make_agent(operator, "Own")
    install_with = partial(install, POSTROOM_URL=server.url, POSTROOM_TOKEN=token)
    ran = await asyncio.to_thread(install_with, home, "cursor", "--name", "Somebody else's")
    assert ran.returncode == ExitCode.NOT_PERMITTED
    assert "that of Own" in ran.stderr
    assert list(home.rglob("*.json")) == []


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("{}", ("a",), '{\n  "a": 1\n}'),
        ('{"b": 2}', ("a",), '{"b": 2,\n  "a": 1\n}'),
        ('{\n\t"b": 2 // two\n}', ("a",), '{\n\t"b": 2, // two\n\t"a": 1\n}'),
        ('{\n    "b": {},\n}', ("b", "a"), '{\n    "b": {\n        "a": 1\n    },\n}'),
        ('{"a": {"x": 2}, "b": 3}', ("a", "x"), '{"a": {"x": 1}, "b": 3}'),
        ("{ /* nothing */ }", ("a",), '{ /* nothing */\n  "a": 1\n}'),
    ],
)
def test_an_edit_is_a_splice(text: str, path: tuple[str, ...], expected: str) -> None:
    assert put(text, path, 1) == expected


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"a": 1}', "{}"),
        ('{"a": 1, "b": 2}', '{ "b": 2}'),
        ('{"b": 2, "a": 1}', '{"b": 2 }'),
        ('{\n  "b": 2,\n  "a": 1 // last\n}', '{\n  "b": 2\n   // last\n}'),
        ('{\n  "a": 1,\n  "b": 2\n}', '{\n  "b": 2\n}'),
        ('{ // c\n  "a": 1}', "{ // c\n  }"),
    ],
)
def test_a_removal_leaves_the_rest(text: str, left: str) -> None:
    assert remove(text, ("a",)) == left


@pytest.mark.parametrize(
    "text", ["", "{", '{"a" 1}', '{"a": 1 "b": 2}', "[1 2]", "{,}", "{} {}", "{'a': 1}", "/* open", '{"a": NaN}', "[" * 100_000]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read(text)
