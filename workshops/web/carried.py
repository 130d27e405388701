"""A file that a page carries in a hidden field, so that it is looked at first and saved by a second button."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from zlib import compress, decompressobj
from zlib import error as NotCompressed

#: A file whose packed form is longer than this is chosen a second time, because forms have a limit.
CARRIED_MAX = 800_000


def packed(data: bytes) -> str:
    """The file as text for a hidden field."""
    return b64encode(compress(data, 9)).decode("ascii")


def unpacked(text: str, *, max_bytes: int) -> bytes | None:
    """The file that `packed` wrote, one byte more than max_bytes at most; None for anything else."""
    if not text:
        return None
    try:
        unpacking = decompressobj()
        return unpacking.decompress(b64decode(text, validate=True), max_bytes + 1)
    except (NotBase64, NotCompressed, ValueError):
        return None
