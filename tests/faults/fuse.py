"""A file system in this process: the kernel's FUSE protocol over /dev/fuse, without any library (linux/fuse.h, protocol 7.31).

Only what a PostgreSQL and a Postroom on it ask for. A subclass of ``FileSystem`` answers; ``serve`` reads one request at a time, so that
between two requests the state is whole. Needs root, for mount(2).
"""

import ctypes
import errno
import os
import select
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct("<IIQQIIIHH")
_ANSWER = struct.Struct("<IiQ")
_ATTRIBUTES = struct.Struct("<6Q10I")
_ENTRY = struct.Struct("<4Q2I")
_TRANSFER = struct.Struct("<QQIIQII")
_SETTING = struct.Struct("<IIQQQQQQIIIIIIII")

# Nobody but us changes anything, so the kernel may believe what it knows. Seconds.
_VALID = 3600
_MAX_WRITE = 1024 * 1024
_MAX_PAGES = 1 << 22
_BIG_WRITES = 1 << 5
_KEEP_CACHE = 1 << 1
_RENAME_NOREPLACE = 1
_MNT_DETACH = 2
MODE, UID, GID, SIZE, ATIME, MTIME, ATIME_NOW, MTIME_NOW = 1, 2, 4, 8, 16, 32, 128, 256


@dataclass(slots=True)
class Request:
    """One request: the node that it is about, who asks, and the bytes after the header."""

    node: int
    uid: int
    gid: int
    body: bytes

    def names(self, offset: int) -> list[bytes]:
        return self.body[offset:].split(b"\0")


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is to be changed of a file; None stays. Times are nanoseconds."""

    mode: int | None
    uid: int
    gid: int
    size: int | None
    times: tuple[int, int] | None


class FileSystem:
    """What the kernel asks. Nodes are numbers that are never used again, the root is 1. Raise OSError to refuse."""

    def lookup(self, parent: int, name: bytes) -> int:
        raise NotImplementedError

    def attributes(self, node: int) -> os.stat_result:
        raise NotImplementedError

    def change(self, node: int, wanted: Attributes) -> None:
        raise NotImplementedError

    def make(self, parent: int, name: bytes, mode: int, owner: tuple[int, int]) -> int:
        """A file, directory or socket, by the type in ``mode``."""
        raise NotImplementedError

    def remove(self, parent: int, name: bytes, *, directory: bool) -> None:
        raise NotImplementedError

    def rename(self, parent: int, name: bytes, new_parent: int, new_name: bytes) -> None:
        raise NotImplementedError

    def open(self, node: int) -> None:
        raise NotImplementedError

    def read(self, node: int, offset: int, size: int) -> bytes:
        raise NotImplementedError

    def write(self, node: int, offset: int, content: bytes) -> None:
        raise NotImplementedError

    def sync(self, node: int) -> None:
        raise NotImplementedError

    def list(self, node: int) -> list[bytes]:
        raise NotImplementedError

    def space(self) -> os.statvfs_result:
        raise NotImplementedError


class Protocol:
    """Puts a file system's answers into the kernel's words."""

    def __init__(self, files: FileSystem) -> None:
        self._files = files
        self._listings: dict[int, list[bytes]] = {}
        self._listed = 0
        self._by_code: dict[int, Callable[[Request], bytes]] = {
            1: self._lookup,
            3: lambda request: self._attributes(request.node),
            4: self._set,
            8: lambda request: self._make(request, mode_at=0, name_at=16),
            9: lambda request: self._make(request, mode_at=0, name_at=8, kind=stat.S_IFDIR),
            10: lambda request: self._remove(request, directory=False),
            11: lambda request: self._remove(request, directory=True),
            12: lambda request: self._rename(request, 8),
            14: self._open,
            15: self._read,
            16: self._write,
            17: self._space,
            18: lambda _: b"",
            20: self._sync,
            26: self._begin,
            27: self._open_directory,
            28: self._list,
            29: self._close_directory,
            30: self._sync,
            35: lambda request: self._make(request, mode_at=4, name_at=16) + struct.pack("<QII", 0, _KEEP_CACHE, 0),
            43: self._allocate,
            45: lambda request: self._rename(request, 16),
        }

    def answer(self, raw: bytes) -> bytes | None:
        """The kernel's request and what to write back; None for what wants no answer (FORGET, INTERRUPT, BATCH_FORGET)."""
        _, code, unique, node, uid, gid, *_ = _HEADER.unpack_from(raw)
        if code in (2, 36, 42):
            return None
        try:
            handle = self._by_code[code]
            content = handle(Request(node, uid, gid, raw[_HEADER.size :]))
        except KeyError:
            return _ANSWER.pack(_ANSWER.size, -errno.ENOSYS, unique)
        except OSError as error:
            return _ANSWER.pack(_ANSWER.size, -(error.errno or errno.EIO), unique)
        return _ANSWER.pack(_ANSWER.size + len(content), 0, unique) + content

    def _begin(self, request: Request) -> bytes:
        _, _, readahead, flags = struct.unpack_from("<4I", request.body)
        kept = flags & (_MAX_PAGES | _BIG_WRITES)
        return struct.pack("<4I2H2I2H2IH22x", 7, 31, readahead, kept, 64, 48, _MAX_WRITE, 1, _MAX_WRITE // 4096, 0, 0, 0, 0)

    def _lookup(self, request: Request) -> bytes:
        try:
            return self._entry(self._files.lookup(request.node, request.names(0)[0]))
        except FileNotFoundError:
            return _ENTRY.pack(0, 0, _VALID, 0, 0, 0) + bytes(_ATTRIBUTES.size)

    def _entry(self, node: int) -> bytes:
        return _ENTRY.pack(node, 0, _VALID, _VALID, 0, 0) + self._packed(node)

    def _attributes(self, node: int) -> bytes:
        return struct.pack("<QII", _VALID, 0, 0) + self._packed(node)

    def _packed(self, node: int) -> bytes:
        found = self._files.attributes(node)
        times = (found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns)
        seconds, rest = [time // 10**9 for time in times], [time % 10**9 for time in times]
        sizes = (found.st_ino, found.st_size, found.st_blocks)
        owner = (found.st_mode, found.st_nlink, found.st_uid, found.st_gid)
        return _ATTRIBUTES.pack(*sizes, *seconds, *rest, *owner, 0, 4096, 0)

    def _set(self, request: Request) -> bytes:
        valid, _, _, size, _, atime, mtime, _, ansec, mnsec, _, mode, _, uid, gid, _ = _SETTING.unpack_from(request.body)
        times = (atime * 10**9 + ansec, mtime * 10**9 + mnsec) if valid & (ATIME | MTIME) == ATIME | MTIME else None
        wanted = Attributes(
            mode=stat.S_IMODE(mode) if valid & MODE else None,
            uid=uid if valid & UID else -1,
            gid=gid if valid & GID else -1,
            size=size if valid & SIZE else None,
            times=times,
        )
        self._files.change(request.node, wanted)
        return self._attributes(request.node)

    def _make(self, request: Request, *, mode_at: int, name_at: int, kind: int = 0) -> bytes:
        mode = struct.unpack_from("<I", request.body, mode_at)[0] | kind
        return self._entry(self._files.make(request.node, request.names(name_at)[0], mode, (request.uid, request.gid)))

    def _remove(self, request: Request, *, directory: bool) -> bytes:
        self._files.remove(request.node, request.names(0)[0], directory=directory)
        return b""

    def _rename(self, request: Request, offset: int) -> bytes:
        new_parent = struct.unpack_from("<Q", request.body)[0]
        flags = struct.unpack_from("<I", request.body, 8)[0] if offset == 16 else 0
        if flags & ~_RENAME_NOREPLACE:
            raise OSError(errno.EINVAL, "flags of rename")
        name, new_name, *_ = request.names(offset)
        self._files.rename(request.node, name, new_parent, new_name)
        return b""

    def _open(self, request: Request) -> bytes:
        self._files.open(request.node)
        return struct.pack("<QII", 0, _KEEP_CACHE, 0)

    def _read(self, request: Request) -> bytes:
        _, offset, size, *_ = _TRANSFER.unpack_from(request.body)
        return self._files.read(request.node, offset, size)

    def _write(self, request: Request) -> bytes:
        _, offset, size, *_ = _TRANSFER.unpack_from(request.body)
        self._files.write(request.node, offset, request.body[_TRANSFER.size : _TRANSFER.size + size])
        return struct.pack("<II", size, 0)

    def _sync(self, request: Request) -> bytes:
        self._files.sync(request.node)
        return b""

    def _allocate(self, request: Request) -> bytes:
        _, offset, length, mode, _ = struct.unpack_from("<QQQII", request.body)
        if mode:
            raise OSError(errno.EOPNOTSUPP, "mode of fallocate")
        if self._files.attributes(request.node).st_size < offset + length:
            self._files.change(request.node, Attributes(None, -1, -1, offset + length, None))
        return b""

    def _open_directory(self, request: Request) -> bytes:
        self._listed += 1
        self._listings[self._listed] = [b".", b"..", *self._files.list(request.node)]
        return struct.pack("<QII", self._listed, 0, 0)

    def _list(self, request: Request) -> bytes:
        handle, offset, size, *_ = _TRANSFER.unpack_from(request.body)
        packed = b""
        for number, name in enumerate(self._listings[handle][offset:], start=offset + 1):
            # Of what type a thing is, the kernel asks when somebody wants to know.
            entry = struct.pack("<QQII", number, number, len(name), 0) + name + bytes(-len(name) % 8)
            if len(packed) + len(entry) > size:
                break
            packed += entry
        return packed

    def _close_directory(self, request: Request) -> bytes:
        del self._listings[struct.unpack_from("<Q", request.body)[0]]
        return b""

    def _space(self, _: Request) -> bytes:
        found = self._files.space()
        blocks = (found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree)
        return struct.pack("<5Q4I24x", *blocks, found.f_bsize, 255, found.f_frsize, 0)


_libc = ctypes.CDLL(None, use_errno=True)


def mount(place: Path) -> int:
    """Mount at ``place`` for everyone; returns the descriptor that requests come from. Raises OSError."""
    door = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={door},rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other".encode()
    if _libc.mount(b"forgetful", bytes(place), b"fuse", 0, options) != 0:
        os.close(door)
        raise OSError(ctypes.get_errno(), "mount of FUSE")
    return door


def unmount(place: Path) -> None:
    """Take it out of the tree at once, used or not; nothing happens when nothing is mounted."""
    _libc.umount2(bytes(place), _MNT_DETACH)


def serve(door: int, files: FileSystem, interrupt: int) -> None:
    """Answer until ``interrupt`` can be read from, or until it is unmounted."""
    protocol = Protocol(files)
    poll = select.poll()
    poll.register(door, select.POLLIN)
    poll.register(interrupt, select.POLLIN)
    while True:
        ready = dict(poll.poll())
        if interrupt in ready:
            return
        try:
            answer = protocol.answer(os.read(door, _MAX_WRITE + 4096))
            if answer is not None:
                os.write(door, answer)
        except FileNotFoundError:
            continue  # The request was interrupted meanwhile.
        except OSError as error:
            if error.errno == errno.ENODEV:
                return
            raise
