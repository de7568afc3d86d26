"""Files: into the post room before a message names them, and out of it."""

import mimetypes
from urllib.parse import unquote
from uuid import uuid4

from postroom.client.retry import Patience
from postroom.client.transport import Json, Transport, path_to
from postroom.clock import monotonic
from postroom.errors import Unavailable

# As long as the server lets an upload take.
TRANSFER_SECONDS = 900.0

_PLACE = "/files/"


class FileCalls(Transport):
    """Keep files and fetch them."""

    async def upload(
        self, name: str, content: bytes, *, media_type: str | None = None, key: str | None = None, retry_for: float = 60.0
    ) -> Json:
        """Keep a file: ``{id, name, media_type, size, sha256, url, created_at}``. A part ``{"url": url}`` of a message names it.

        Without a ``media_type`` the ending of the name decides. Tried again under the same key as ``send`` is. Raises TooLarge, Refused
        (``file_empty``), KeyReused.
        """
        kind = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = {"Content-Type": kind, "Idempotency-Key": key or str(uuid4())}
        patience = Patience(retry_for)
        while True:
            began = monotonic()
            try:
                kept = await self.request(
                    "POST", "/files", content=content, query={"name": name}, headers=headers, timeout=TRANSFER_SECONDS
                )
            except Unavailable as error:
                await patience.pause(error, began)
            else:
                return kept.body

    async def download(self, url: str, *, retry_for: float = 60.0) -> bytes:
        """The bytes of a file, by the ``url`` of a part that names it. Raises NotFound, also for addresses elsewhere."""
        return (await self.download_named(url, retry_for=retry_for))[1]

    async def download_named(self, url: str, *, retry_for: float = 60.0) -> tuple[str, bytes]:
        """The same with its name, which is whatever somebody chose to call it."""
        path, patience = path_to("files", url.removeprefix(_PLACE)), Patience(retry_for)
        while True:
            began = monotonic()
            try:
                found = await self.fetch(path, timeout=TRANSFER_SECONDS)
            except Unavailable as error:
                await patience.pause(error, began)
            else:
                return _name_in(found.headers.get("content-disposition", "")), found.body


def _name_in(disposition: str) -> str:
    """The name in a ``Content-Disposition`` (RFC 6266), in the form that every name fits into; empty where there is none."""
    return unquote(disposition.partition("filename*=UTF-8''")[2])
