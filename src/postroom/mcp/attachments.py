"""Files that come with a result, as the content blocks that clients know how to show to their models and people."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from mcp_types import AudioContent, BlobResourceContents, ContentBlock, EmbeddedResource, ImageContent

from postroom.mcp.results import File

LARGEST: Final = 1024 * 1024
"""Bytes of a file that still comes with a result; the history over HTTP has larger ones whole."""


def blocks_of(files: Sequence[File]) -> list[ContentBlock]:
    """A block for each file that is here and not too large."""
    return [_block(file, file.raw) for file in files if file.raw is not None and (file.bytes or 0) <= LARGEST]


def _block(file: File, raw: str) -> ContentBlock:
    # A2A takes both alphabets of base64, with and without padding (ProtoJSON); MCP has the standard one.
    standard = raw.rstrip("=").replace("-", "+").replace("_", "/")
    data, kind = standard + "=" * (-len(standard) % 4), file.media_type or "application/octet-stream"
    match kind.partition("/")[0]:
        case "image":
            return ImageContent(data=data, mime_type=kind)
        case "audio":
            return AudioContent(data=data, mime_type=kind)
        case _:
            uri = f"postroom://files/{quote(file.name or 'file', safe='')}"
            return EmbeddedResource(resource=BlobResourceContents(uri=uri, mime_type=kind, blob=data))
