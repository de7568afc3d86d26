"""A reply that comes in pieces: each text is shown live as progress, and the whole is the reply."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from postroom.agent.message import Message
from postroom.agent.parts import Json, Piece, parts_of

# A model's words come faster than a person reads and a database likes; what came meanwhile is shown together.
SHOW_SECONDS = 0.25


async def collect(pieces: AsyncGenerator[Piece], message: Message) -> list[Json]:
    """The parts of the whole. Raises what the generator raises, in an ExceptionGroup."""
    parts: list[Json] = []
    unshown: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.TaskGroup() as tasks, aclosing(pieces):
        showing = tasks.create_task(_show(unshown, message))
        async for piece in pieces:
            _append(parts, piece)
            if isinstance(piece, str):
                unshown.put_nowait(piece)
        showing.cancel()
    return parts or parts_of(None)


def _append(parts: list[Json], piece: Piece) -> None:
    """Texts in a row are one text."""
    if isinstance(piece, str) and parts and parts[-1].keys() == {"text"}:
        parts[-1]["text"] += piece
    else:
        parts += parts_of(piece)


async def _show(unshown: asyncio.Queue[str], message: Message) -> None:
    while True:
        text = await unshown.get()
        while not unshown.empty():
            text += unshown.get_nowait()
        if text:
            await message.progress(text, append=True)
        await asyncio.sleep(SHOW_SECONDS)
