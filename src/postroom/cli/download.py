"""``postroom download``: a file of a message, onto this machine."""

import os
from pathlib import Path
from typing import Annotated

import typer

from postroom.cli.command import connecting, talk_to
from postroom.cli.connection import Connection
from postroom.cli.exits import ExitCode, Stop
from postroom.cli.output import print_text, say
from postroom.client import Client

_LONGEST = 255


@connecting
def download(
    connection: Connection,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Its id, or its address as `history` shows it.")],
    *,
    to: Annotated[Path, typer.Option(metavar="PATH", help="The directory to put it into, or the file to write.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Fetch a file and print where it is now."""

    async def fetch(client: Client) -> tuple[str, bytes]:
        return await client.download_named(file.removeprefix(connection.url))

    name, content = talk_to(connection, fetch)
    path = to / local_name(name) if to.is_dir() else to
    _put(path, content, over=force)
    say(f"{len(content)} bytes")
    print_text(str(path))


def local_name(name: str) -> str:
    """The name as one of this directory and of no other place, whatever somebody called it."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(letter for letter in last if letter.isprintable()).strip()
    short = seen.encode()[:_LONGEST].decode(errors="ignore")
    return short if short.strip(". ") else "file"


def _put(path: Path, content: bytes, *, over: bool) -> None:
    """There whole or not at all."""
    unfinished = path.with_name(f".{os.getpid()}.part")
    try:
        unfinished.write_bytes(content)
        if not over:
            # Unlike the rename, this refuses what is there, also when it has come this instant.
            path.touch(exist_ok=False)
        unfinished.replace(path)
    except FileExistsError:
        raise Stop(f"{path} is there already", advice="Give another place: --to, or --force.", code=ExitCode.USAGE) from None
    except OSError as error:
        raise Stop(f"{path} can not be written: {error.strerror}", advice="Give another place: --to.", code=ExitCode.USAGE) from error
    finally:
        unfinished.unlink(missing_ok=True)
