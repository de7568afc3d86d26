"""``postroom send --file``: files go along, once."""

from pathlib import Path

import pytest

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
