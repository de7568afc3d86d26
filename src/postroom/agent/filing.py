"""Files that are too large for a message: kept by the post room, and named in it."""

import base64
import hashlib
from dataclasses import dataclass

from postroom.agent.parts import Json
from postroom.client import Client

# What one message carries itself, in characters of base64. Far from the limits of the server, so that the words beside them have room.
CARRIED = 256 * 1024
# An outage of the server is sat out for as long as a handler may reasonably hang on it.
RETRY_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Filing:
    """The way to the files of the post room."""

    client: Client

    async def read(self, url: str) -> bytes:
        """The bytes that a part names. Raises NotFound, Unavailable."""
        return await self.client.download(url, retry_for=RETRY_SECONDS)

    async def fitting(self, parts: list[Json]) -> list[Json]:
        """The parts, with the files among them kept and named that the message can not carry. Raises TooLarge, Unavailable."""
        room, said = CARRIED, list[Json]()
        for part in parts:
            size = len(part.get("raw", ""))
            fits = size <= room
            room -= size if fits else 0
            said.append(part if fits else await self._keep(part))
        return said

    async def _keep(self, part: Json) -> Json:
        content, name, kind = base64.b64decode(part["raw"]), part.get("filename") or "file", part.get("mediaType")
        # The same file again is the same file: a handler that runs again says the same.
        key = hashlib.sha256(f"{name}\n{kind}\n".encode() + content).hexdigest()
        kept = await self.client.upload(name, content, media_type=kind, key=key, retry_for=RETRY_SECONDS)
        return {name: value for name, value in part.items() if name != "raw"} | {"url": kept["url"]}
