"""The forgetful disk forgets what it should, and nothing else: the power cuts prove only as much as it does."""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.faults.disk import PowerCuts
from tests.faults.machine import no_fuse, skip_unless

pytestmark = skip_unless(no_fuse)


@pytest.fixture
def disk(short_directory: Path) -> Generator[PowerCuts]:
    """One that holds a file ``old`` of 10000 bytes."""
    place = Path(tempfile.mkdtemp(prefix="disk-", dir=short_directory))
    (place / "old").write_bytes(b"x" * 10000)
    disk = PowerCuts(place)
    disk.mount()
    yield disk
    disk.unmount()


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def cut(disk: PowerCuts) -> None:
    disk.forget("seed", 0.0)
    disk.unmount()
    disk.mount()


def test_what_was_synced_stays_and_the_rest_is_gone(disk: PowerCuts) -> None:
    kept, new = disk.place / "kept", disk.place / "new"
    kept.write_text("first")
    sync(kept)
    kept.write_text("second, and longer")
    new.write_text("never synced")
    with (disk.place / "old").open("r+b") as old:
        old.seek(5000)
        old.write(b"yyyy")
        old.truncate(6000)
    assert kept.read_text() == "second, and longer"
    cut(disk)
    assert kept.read_text() == "first"
    assert not new.exists()
    assert (disk.place / "old").read_bytes() == b"x" * 10000


def test_names_are_undone_newest_first(disk: PowerCuts) -> None:
    below = disk.place / "below"
    below.mkdir()
    (disk.place / "old").rename(below / "moved")
    (below / "moved").unlink()
    cut(disk)
    assert [path.name for path in disk.place.iterdir()] == ["old"]
    assert (disk.place / "old").read_bytes() == b"x" * 10000


def test_a_synced_directory_keeps_its_names(disk: PowerCuts) -> None:
    (disk.place / "new").write_text("content")
    sync(disk.place / "new")
    (disk.place / "new").replace(disk.place / "old")
    sync(disk.place)
    (disk.place / "late").touch()
    cut(disk)
    assert [(path.name, path.read_text()) for path in disk.place.iterdir()] == [("old", "content")]
