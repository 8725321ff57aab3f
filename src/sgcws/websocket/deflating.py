"""What one peer is sent compressed (RFC 7692 section 6.1)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from sgcws.options import Compression
from sgcws.rules.deflate import Deflate
from sgcws.websocket.zlibs import DEFLATING, Zlib

__all__ = ["Deflater"]

TAIL = b"\x00\x00\xff\xff"
"""What is left out at the end of a message (RFC 7692 section 7.2.1)."""

EMPTY = b"\x00"
"""A message of which nothing is left without its tail (RFC 7692 section 7.2.3.6)."""


class Deflater:
    """
    Compresses the messages to one peer.

    They have to be sent in the order in which they are compressed, and none may be left out: each refers to the ones
    before it. Nothing is kept for a peer before it is sent a compressed message, nor between messages if the window is
    to be forgotten.

    Args:
        deflate: What was agreed on.
        compression: The options ``memory_level`` and ``threshold`` among others.
        zlib: What deflates.

    Attributes:
        form: Peers of the same form take the same shared messages.
    """

    __slots__ = ("_bits", "_memory_level", "_stream", "_takeover", "_threshold", "_zlib", "form")

    def __init__(self, deflate: Deflate, compression: Compression, zlib: Zlib = DEFLATING) -> None:
        self._bits, self._memory_level = deflate.server_bits, compression.memory_level
        self.form: Hashable = (self._bits, self._memory_level)
        self._takeover = deflate.server_takeover
        self._threshold = compression.threshold
        self._zlib = zlib
        self._stream: Any = None

    def wants(self, size: int) -> bool:
        """Whether a message of *size* bytes is worth the work."""
        return size >= self._threshold

    def compress(self, payload: bytes) -> bytes:
        """Compress a message."""
        return self.compress_part(payload, True, True)

    def compress_part(self, payload: bytes, first: bool, last: bool) -> bytes:
        """
        Compress a part of a message, so that the peer can inflate it when it arrives.

        Args:
            payload: The part; it may be empty.
            first: Whether the message begins with it.
            last: Whether the message ends with it.
        """
        begins = self._stream is None or (first and not self._takeover)
        # Whatever fails, the next message does not refer to one that was not sent.
        stream, self._stream = self._begin() if begins else self._stream, None
        data = self._flushed(stream, payload)
        if self._takeover or not last:
            self._stream = stream
        return without_tail(data) if last else data

    def compress_shared(self, payload: bytes) -> bytes:
        """Compress a message for all peers of this `form`: it refers to nothing before it."""
        return without_tail(self._flushed(self._begin(), payload))

    def skip(self) -> None:
        """
        Hear that the peer was sent a message that was compressed elsewhere.

        It is in the peer's window and not in ours, so that the next one has to begin anew.
        """
        self._stream = None

    def _begin(self) -> Any:
        return self._zlib.start_deflating(self._bits, self._memory_level)

    def _flushed(self, stream: Any, payload: bytes) -> bytes:
        data: bytes = stream.compress(payload) + stream.flush(self._zlib.module.Z_SYNC_FLUSH)
        return data


def without_tail(data: bytes) -> bytes:
    """Return compressed data without its end, which the peer puts back."""
    return data.removesuffix(TAIL) or EMPTY
