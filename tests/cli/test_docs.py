"""docs/cli.md names every command, option and exit code that there is, and none that there is not (L33)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from postroom.cli.exits import MEANINGS, ExitCode
from postroom.cli.program import app

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def commands(group: object, path: str = "postroom") -> Iterator[tuple[str, object]]:
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands(typer.main.get_command(app)))


def section(path: str) -> str:
    """From the heading that names a command to the next heading."""
    found = re.search(rf"^### [^\n]*`{path}\b.*?(?=^##)", PAGE + "\n## ", re.MULTILINE | re.DOTALL)
    assert found is not None, f"{path} has no heading"
    return found.group()


def options(command: object) -> set[str]:
    parameters = [parameter for parameter in getattr(command, "params") if parameter.param_type_name == "option"]  # noqa: B009
    return {flag for parameter in parameters for flag in (*parameter.opts, *parameter.secondary_opts) if flag.startswith("--")}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_each_of_its_options_is_documented(path: str) -> None:
    text = section(path)
    said_for_all = {"--server", "--url", "--token", "--data"}
    assert [flag for flag in options(COMMANDS[path]) - said_for_all if flag not in text] == []


@pytest.mark.parametrize("path", COMMANDS)
def test_no_option_is_documented_that_a_command_does_not_have(path: str) -> None:
    everywhere = set[str]().union(*(options(command) for command in COMMANDS.values()))
    documented = set(re.findall(r"--[a-z][a-z-]+", section(path)))
    assert documented <= everywhere


def test_the_options_for_all_are_documented_once() -> None:
    place = PAGE[PAGE.index("## Which server") : PAGE.index("## What is printed")]
    assert all(flag in place for flag in ("--server", "--url", "--token", "--data"))


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE))
    assert rows == {str(int(code)): MEANINGS[code] for code in ExitCode}
