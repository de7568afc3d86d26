"""A small file system in memory that a test can fill to the last byte, and free again."""

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 64 * 1024
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """Mounted at ``place``."""

    place: Path

    @property
    def _filler(self) -> Path:
        return self.place / "filler"

    @property
    def room(self) -> int:
        """Free bytes."""
        return shutil.disk_usage(self.place).free

    def fill(self, *, leave: int) -> None:
        """Use it up but for so many bytes; with 0 to the last."""
        with self._filler.open("ab", buffering=0) as filler:
            while (wanted := self.room - leave) > 0:
                try:
                    filler.write(bytes(min(wanted, _BLOCK)))
                except OSError:
                    return

    def free(self) -> None:
        """Give back what ``fill`` took."""
        self._filler.unlink()


@contextmanager
def small_disk(place: Path, size: int) -> Generator[SmallDisk]:
    """Mount one of ``size`` bytes at ``place``, which is made; for everyone to pass through."""
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", str(place)], check=True)
    try:
        yield SmallDisk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def move_onto(disk: SmallDisk, directory: Path) -> None:
    """Put a directory with its owners onto the disk, and a link in its place."""
    moved = disk.place / directory.name
    shutil.copytree(directory, moved, symlinks=True)
    for path in (directory, *directory.rglob("*")):
        owner = path.lstat()
        os.chown(moved / path.relative_to(directory), owner.st_uid, owner.st_gid)
    shutil.rmtree(directory)
    directory.symlink_to(moved)
