"""The wheel is all that a user needs: built here, installed into an empty environment from the runtime lock, and run."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from postroom import __version__
from tests.support.server import wait_for

ROOT = Path(__file__).parents[2]
MOST_PACKAGES = 75
MOST_BYTES = 250 * 1000**2

# One worker makes the environment and runs every test on it; 300 s because a cold cache fetches all packages.
pytestmark = [pytest.mark.xdist_group("wheel"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the wheel, its locked requirements and nothing else, pip included."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("postroom-*.whl")
    environment = folder / "environment"
    venv.create(environment)
    install = (sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install", "--quiet")
    run(*install, "--require-hashes", "--requirement", ROOT / "requirements.lock")
    run(*install, "--no-deps", wheel)
    return environment


def test_the_command_says_its_version(environment: Path) -> None:
    assert run(environment / "bin" / "postroom", "--version").split()[-1] == __version__


def test_the_lock_has_all_that_the_package_asks_for(environment: Path) -> None:
    run(sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "check")


def test_the_wheel_holds_what_the_checkout_holds(environment: Path) -> None:
    installed = site_packages(environment) / "postroom"
    for part in ("", "examples"):
        assert shipped(installed / part) == shipped(ROOT / "src" / "postroom" / part)
    assert shipped(installed / "examples") == shipped(ROOT / "examples")


def test_it_starts_with_its_team_and_answers_a_message(environment: Path, short_directory: Path) -> None:
    command, data = environment / "bin" / "postroom", short_directory / "wheel"
    with (short_directory / "wheel.log").open("wb") as log:
        up = subprocess.Popen([command, "up", "--data", data, "--port", "0", "--no-open"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_for((data / "server.json").exists, 60, "the server is up")
        found = json.loads((data / "server.json").read_text())
        reach = ("--server", found["url"], "--token", found["operator_token"])
        wait_for(lambda: "Echo" in run(command, "workspace", "list", *reach), 60, "the team is there")
        assert run(command, "send", "Echo", "hello from the wheel", *reach) == "hello from the wheel\n"
    finally:
        up.terminate()
        assert up.wait(30) == 0


def test_the_installation_stays_small(environment: Path) -> None:
    packages = list(site_packages(environment).glob("*.dist-info"))
    size = sum(path.stat().st_size for path in site_packages(environment).rglob("*") if path.is_file())
    assert len(packages) <= MOST_PACKAGES
    assert size <= MOST_BYTES


def run(*command: str | Path) -> str:
    """Run a command and return what it printed; when it fails, the test shows all of it."""
    answer = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert answer.returncode == 0, answer.stdout
    return answer.stdout


def site_packages(environment: Path) -> Path:
    (folder,) = environment.glob("lib/python*/site-packages")
    return folder


def shipped(folder: Path) -> set[str]:
    """The files of a package by their path from its folder; links to folders are not followed, compiled files left out."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in files if "__pycache__" not in path.parts and path.parts[0] != "examples"}
