"""A disk that forgets what was not fsynced. ``python -m tests.faults.forgetful PLATTER MOUNTPOINT`` runs it; see ``disk.py`` for its use.

What is modelled:
- Content, by pages of 4096 bytes, and the size: what was written since the last fsync or fdatasync of the file is gone after a cut. With
  ``kept`` above 0 each such page survives with that chance, so that PostgreSQL's pages of 8192 bytes are torn, and the size may be either.
- Names: making, removing and renaming become durable in the order they happened, as a journal has it (ext4, XFS): fsync of a file, or of
  a directory, makes durable all changes up to the newest that concerns it. The rest is undone by a cut, newest first.
- Not modelled: owners, modes and times are durable at once; a page is never torn inside its 4096 bytes; a disk that lies about fsync.
"""

import errno
import json
import os
import random
import resource
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.fuse import Attributes, FileSystem, mount, serve, unmount

PAGE = 4096


@dataclass(slots=True, eq=False)
class Node:
    """A file or directory. ``before`` holds the pages as they were at the last sync, ``durable`` is the size at that time."""

    id: int
    parent: "Node | None"
    name: bytes
    file: int | None = None
    durable: int = 0
    before: dict[int, bytes] = field(default_factory=dict[int, bytes])


@dataclass(frozen=True, slots=True)
class Change:
    """A change of names. ``forget`` undoes it, ``settle`` clears what was kept for that; ``of`` are the nodes that it concerns."""

    of: frozenset[int]
    forget: Callable[[], object]
    settle: Callable[[], object] = lambda: None


class ForgetfulDisk(FileSystem):
    """What lies in the directory ``platter``, and what to do to bring it back to the last sync."""

    def __init__(self, platter: Path) -> None:
        self._platter = platter
        self._limbo = platter.with_name(f"{platter.name}.limbo")
        self._limbo.mkdir(exist_ok=True)
        root = Node(1, None, b"")
        self._nodes = {1: root}
        self._children: dict[tuple[int, bytes], Node] = {}
        self._changes: list[Change] = []
        self._removed = 0

    def cut(self, chance: random.Random, kept: float) -> dict[str, int]:
        """Forget; ``kept`` is the share that happened to reach the platter all the same. Counts what was forgotten."""
        count = len(self._changes) - (chance.randint(0, len(self._changes)) if kept else 0)
        for _ in range(count):
            self._changes.pop().forget()
        pages = sum(self._forget_pages(node, chance, kept) for node in self._nodes.values() if node.file is not None)
        return {"pages": pages, "names": count}

    def _forget_pages(self, node: Node, chance: random.Random, kept: float) -> int:
        assert node.file is not None
        now = os.fstat(node.file).st_size
        size = now if kept and chance.random() < kept else node.durable
        lost = {page: old for page, old in node.before.items() if not kept or chance.random() >= kept}
        os.ftruncate(node.file, size)
        for page, old in lost.items():
            os.pwrite(node.file, old.ljust(PAGE, b"\0")[: max(0, size - page * PAGE)], page * PAGE)
        return len(lost) + (size != now)

    def lookup(self, parent: int, name: bytes) -> int:
        known = self._children.get((parent, name))
        if known is not None:
            return known.id
        found = self._path(self._nodes[parent], name).lstat()
        return self._add(parent, name, found.st_size).id

    def attributes(self, node: int) -> os.stat_result:
        found = self._nodes[node]
        return self._path(found).lstat() if found.file is None else os.fstat(found.file)

    def change(self, node: int, wanted: Attributes) -> None:
        found = self._nodes[node]
        place = self._path(found) if found.file is None else found.file
        if wanted.mode is not None:
            os.chmod(place, wanted.mode)  # noqa: PTH101 - a path or a descriptor
        if (wanted.uid, wanted.gid) != (-1, -1):
            os.chown(place, wanted.uid, wanted.gid)
        if wanted.size is not None:
            self._resize(found, wanted.size)
        if wanted.times is not None:
            os.utime(place, ns=wanted.times)

    def make(self, parent: int, name: bytes, mode: int, owner: tuple[int, int]) -> int:
        path = self._path(self._nodes[parent], name)
        if stat.S_ISDIR(mode):
            path.mkdir(stat.S_IMODE(mode))
        else:
            os.mknod(path, mode)
        os.chown(path, *owner)
        node = self._add(parent, name, 0)
        self._changes.append(Change(frozenset({parent, node.id}), lambda: _remove(path)))
        if stat.S_ISREG(mode):
            self.open(node.id)
        return node.id

    def remove(self, parent: int, name: bytes, *, directory: bool) -> None:
        path = self._path(self._nodes[parent], name)
        if directory:
            self._remove_directory(parent, path)
        else:
            kept = self._lay_aside(path)
            self._changes.append(Change(frozenset({parent}), lambda: kept.rename(path), kept.unlink))
        self._children.pop((parent, name), None)

    def rename(self, parent: int, name: bytes, new_parent: int, new_name: bytes) -> None:
        node = self._nodes[self.lookup(parent, name)]
        if self._exists(new_parent, new_name):
            self.remove(new_parent, new_name, directory=stat.S_ISDIR(self.attributes(node.id).st_mode))
        old, new = self._path(node), self._path(self._nodes[new_parent], new_name)
        old.rename(new)
        del self._children[parent, name]
        node.parent, node.name = self._nodes[new_parent], new_name
        self._children[new_parent, new_name] = node
        self._changes.append(Change(frozenset({parent, new_parent, node.id}), lambda: new.rename(old)))

    def open(self, node: int) -> None:
        found = self._nodes[node]
        if found.file is None:
            found.file = os.open(self._path(found), os.O_RDWR | os.O_CLOEXEC)

    def read(self, node: int, offset: int, size: int) -> bytes:
        return os.pread(self._file(node), size, offset)

    def write(self, node: int, offset: int, content: bytes) -> None:
        file = self._file(node)
        self._remember(self._nodes[node], file, offset, offset + len(content))
        written = 0
        while written < len(content):
            written += os.pwrite(file, content[written:], offset + written)

    def sync(self, node: int) -> None:
        found = self._nodes[node]
        if found.file is not None:
            found.before.clear()
            found.durable = os.fstat(found.file).st_size
        newest = max((place for place, change in enumerate(self._changes, start=1) if node in change.of), default=0)
        for change in self._changes[:newest]:
            change.settle()
        del self._changes[:newest]

    def list(self, node: int) -> list[bytes]:
        return [os.fsencode(path.name) for path in self._path(self._nodes[node]).iterdir()]

    def space(self) -> os.statvfs_result:
        return os.statvfs(self._platter)

    def _add(self, parent: int, name: bytes, size: int) -> Node:
        node = Node(len(self._nodes) + 1, self._nodes[parent], name, durable=size)
        self._nodes[node.id] = self._children[parent, name] = node
        return node

    def _file(self, node: int) -> int:
        file = self._nodes[node].file
        if file is None:
            raise OSError(errno.EBADF, "not open")
        return file

    def _path(self, node: Node, *below: bytes) -> Path:
        names = list(below)
        while node.parent is not None:
            names.insert(0, node.name)
            node = node.parent
        return self._platter.joinpath(*map(os.fsdecode, names))

    def _exists(self, parent: int, name: bytes) -> bool:
        path = self._path(self._nodes[parent], name)
        return path.exists() or path.is_symlink()

    def _remember(self, node: Node, file: int, begin: int, end: int) -> None:
        for page in range(begin // PAGE, -(-end // PAGE)):
            if page not in node.before:
                node.before[page] = os.pread(file, PAGE, page * PAGE)

    def _resize(self, node: Node, size: int) -> None:
        self.open(node.id)
        assert node.file is not None
        self._remember(node, node.file, size, os.fstat(node.file).st_size)
        os.ftruncate(node.file, size)

    def _lay_aside(self, path: Path) -> Path:
        self._removed += 1
        return path.rename(self._limbo / f"{os.getpid()}-{self._removed}")

    def _remove_directory(self, parent: int, path: Path) -> None:
        was = path.lstat()
        path.rmdir()

        def bring_back() -> None:
            path.mkdir(stat.S_IMODE(was.st_mode))
            os.chown(path, was.st_uid, was.st_gid)

        self._changes.append(Change(frozenset({parent}), bring_back))


def _remove(path: Path) -> None:
    if stat.S_ISDIR(path.lstat().st_mode):
        path.rmdir()
    else:
        path.unlink()


def main() -> None:
    """Serve until a line comes in, and nothing after it: ``cut SEED KEPT`` forgets and tells what, the end of the input unmounts."""
    platter, place = Path(sys.argv[1]), Path(sys.argv[2])
    os.umask(0)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # One for every file that is ever opened.
    disk = ForgetfulDisk(platter)
    door = mount(place)
    try:
        print("mounted", flush=True)
        serve(door, disk, sys.stdin.fileno())
        for line in sys.stdin:
            _, seed, kept = line.split()
            print(json.dumps(disk.cut(random.Random(seed), float(kept))), flush=True)
    finally:
        unmount(place)


if __name__ == "__main__":
    main()
