"""``postroom send --file``: files go along, once."""

from pathlib import Path

import pytest

from postroom.cli.download import local_name
from postroom.cli.exits import ExitCode
from tests.cli.test_command_line import run
from tests.support.files import Person
from tests.support.server import ServerProcess


@pytest.fixture
def boss(server: ServerProcess) -> Person:
    return Person(server.url, server.operator_token, server.dsn())


def test_files_go_along_and_the_same_key_is_the_same_message(server: ServerProcess, boss: Person, tmp_path: Path) -> None:
    ada = boss.make("Ada of the files")
    paths = [tmp_path / "plan & price.txt", tmp_path / "photo.png"]
    for path in paths:
        path.write_bytes(path.name.encode() * 100_000)
    words = ["send", ada.id, "look", *(word for path in paths for word in ("--file", str(path))), "--no-wait", "--key", f"look {ada.id}"]
    for _ in range(2):
        ran = run(*words, data=server.data)
        assert ran.returncode == ExitCode.NOT_YET, ran.stderr
        assert f"--file '{paths[0]}' --file {paths[1]} --key" in " ".join(ran.stderr.split())
    (message,) = boss.history(ada)
    text, *files = message["parts"]
    assert (text, [(file["filename"], file["mediaType"]) for file in files]) == (
        {"text": "look"},
        [("plan & price.txt", "text/plain"), ("photo.png", "image/png")],
    )
    assert [boss.fetch(file).content for file in files] == [path.read_bytes() for path in paths]


def test_a_file_that_is_not_there_sends_nothing(server: ServerProcess, boss: Person, tmp_path: Path) -> None:
    ada = boss.make("Ada without files")
    ran = run("send", ada.id, "look", "--file", str(tmp_path / "nothing"), data=server.data)
    assert ran.returncode == ExitCode.USAGE
    empty = tmp_path / "empty.txt"
    empty.touch()
    ran = run("send", ada.id, "look", "--file", str(empty), data=server.data)
    assert ran.returncode == ExitCode.REFUSED and "empty" in ran.stderr
    assert boss.history(ada) == []


def test_a_file_is_fetched_under_its_name_and_nothing_is_written_over(server: ServerProcess, boss: Person, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5_000
    kept = boss.keep(content, "näher & co.bin")
    for named in (kept["id"], kept["url"], server.url + kept["url"]):
        ran = run("download", named, "--to", str(tmp_path), data=server.data)
        assert (ran.returncode, ran.stdout.strip()) == (ExitCode.OK, str(tmp_path / "näher & co.bin")), ran.stderr
        assert (tmp_path / "näher & co.bin").read_bytes() == content
        ran = run("download", named, "--to", str(tmp_path), data=server.data)
        assert ran.returncode == ExitCode.USAGE and "is there already" in ran.stderr
        (tmp_path / "näher & co.bin").unlink()
    other = tmp_path / "other"
    other.write_text("mine")
    assert run("download", kept["id"], "--to", str(other), "--force", data=server.data).returncode == ExitCode.OK
    assert other.read_bytes() == content
    ran = run("download", kept["id"], "--to", str(tmp_path / "nowhere" / "x"), data=server.data)
    assert ran.returncode == ExitCode.USAGE and "can not be written" in ran.stderr
    assert run("download", "https://example.org/x", data=server.data).returncode == ExitCode.NOT_FOUND
    assert list(tmp_path.iterdir()) == [other]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\win.ini", "win.ini"),
        ("..", "file"),
        ("", "file"),
        ("a\x1b[2J\n\u202eb.txt", "a[2Jb.txt"),
        ("ä" * 300, "ä" * 127),
    ],
)
def test_a_name_leads_nowhere_else(name: str, kept: str) -> None:
    assert local_name(name) == kept


def test_the_history_is_told_among_agents_and_searched(server: ServerProcess, boss: Person) -> None:
    lead, clerk = boss.make("Lead of the history"), boss.make("Clerk of the history")
    boss.send(lead, {"text": "a needle"})
    for number in range(3):
        boss.send(lead, {"text": f"hay {number}"})
    asked = lead.send(clerk, {"text": "count the needles"}).headers["x-postroom-message-id"]
    ran = run("history", lead.id, "--with", "agents", data=server.data)
    assert "Lead of the history → Clerk of the history · accepted\n  count the needles" in ran.stdout
    assert run("history", lead.id, "--with", "agents", "--around", asked, data=server.data).stdout == ran.stdout
    ran = run("history", lead.id, "--with", "people", "--search", "NEEDLE", data=server.data)
    assert "a needle" in ran.stdout and "hay" not in ran.stdout
    assert "Nobody said that." in run("history", lead.id, "--search", "straw", data=server.data).stderr
