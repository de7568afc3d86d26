"""Making and digesting secrets.

A token is ``<kind>_<256 random bits>_<CRC-32>``: the kind and the checksum let scanners recognise a leaked one without asking us.
What is stored is its HMAC-SHA-256 under a key that is not in the database, so a stolen table opens nothing.
"""

import base64
import hashlib
import hmac
import secrets
import zlib

SHOWN = 12


def make_secret(kind: str) -> str:
    """A new secret; ``kind`` is ``pro`` (operator), ``prw`` (workspace), ``prs`` (session) or ``prl`` (login link)."""
    body = secrets.token_urlsafe(32)
    checksum = base64.urlsafe_b64encode(zlib.crc32(body.encode()).to_bytes(4, "big")).decode().rstrip("=")
    return f"{kind}_{body}_{checksum}"


class Digester:
    """Keyed digests; two servers with the same key agree on them."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"postroom token digests\0" + key).digest()

    def digest(self, secret: str) -> bytes:
        """32 bytes that stand for the secret."""
        return hmac.digest(self._key, secret.encode("utf-8", "surrogatepass"), "sha256")
