"""What one peer sends compressed (RFC 7692 section 6.2), inflated within bounds."""

from __future__ import annotations

from typing import Any

from autobahn.exception import PayloadCorruptError, PayloadExceededError

from sgcws.options import Compression
from sgcws.rules.deflate import LARGEST_WINDOW, NAME, Deflate
from sgcws.websocket.zlibs import INFLATING, Zlib

__all__ = ["Inflater"]

GRAIN = 1024
"""
Bytes of a compressed message that are looked at as one: so the verdict is the same wherever it is cut on its way.

No more is handed to zlib at a time, which copies what it leaves of it at each step.
"""

STEP = 64 * 1024
"""Bytes that zlib may give at a time."""

UNSUSPECTED = 1024**2
"""Bytes that a message may inflate to, however few it came in."""

MOST_STREAMS = 16
"""Streams in one message; to begin one takes more time than the two octets of an empty one are worth."""

TAIL = b"\x00\x00\xff\xff"
"""What a sender leaves out at the end of a message (RFC 7692 section 7.2.1)."""


class Inflater:
    """
    Inflates the messages of one peer; Autobahn calls it as it calls its own.

    No more than `STEP` bytes are inflated at a time, and the bounds are looked at after each step.

    A message may end the stream of the peer's deflater, even in its midst (RFC 7692 section 7.2.3.4). What follows is a
    stream of its own.

    Nothing is kept for a peer before it sends a compressed message, nor between messages if it forgets its own window.

    Args:
        deflate: What was agreed on.
        compression: The option ``max_ratio`` among others.
        zlib: What inflates.
    """

    EXTENSION_NAME = NAME
    __slots__ = ("_bits", "_given", "_max_ratio", "_stream", "_streams", "_taken", "_takeover", "_zlib")

    def __init__(self, deflate: Deflate, compression: Compression, zlib: Zlib = INFLATING) -> None:
        self._bits = deflate.client_bits or LARGEST_WINDOW
        self._takeover = deflate.client_takeover
        self._max_ratio = compression.max_ratio
        self._zlib = zlib
        self._stream: Any = None
        self._taken = self._given = self._streams = 0

    def start_decompress_message(self) -> None:
        """Begin a message."""
        self._taken = self._given = self._streams = 0

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """
        Inflate a part of a message.

        Args:
            data: The part.
            max_output_len: Bytes that the message may still grow by; None does not bound it.

        Raises:
            PayloadExceededError: If it grows by more, or to more than `UNSUSPECTED` bytes and the ratio allowed.
            PayloadCorruptError: If it cannot be inflated.
        """
        limit = None if max_output_len is None else self._given + max(0, max_output_len)
        given: list[bytes] = []
        view, start = memoryview(data), 0
        while start < len(data):
            end = start + GRAIN - self._taken % GRAIN
            piece = view[start:end]
            self._taken += len(piece)
            self._inflate(piece, self._most(limit), given)
            start = end
        return given[0] if len(given) == 1 else b"".join(given)

    def end_decompress_message(self) -> None:
        """
        End the message.

        Raises:
            PayloadCorruptError: If it ends where there should be more.
        """
        stream = self._stream
        if stream is not None and self._taken and self._step(stream, TAIL, 1):
            raise PayloadCorruptError("the end is missing")
        if stream is None or stream.eof or not self._takeover:
            self._stream = None

    def _most(self, limit: int | None) -> int:
        """Return how many bytes what has come of the message may inflate to."""
        grains = -(-self._taken // GRAIN)
        most = max(UNSUSPECTED, self._max_ratio * grains * GRAIN)
        return most if limit is None else min(most, limit)

    def _inflate(self, data: bytes | memoryview, most: int, given: list[bytes]) -> None:
        """Add what is in *data* to *given*, step by step, up to *most* bytes in the whole message."""
        more = True
        while more:
            stream = self._begin() if self._stream is None else self._stream
            # One byte too many is enough to know.
            room = min(STEP, most - self._given + 1)
            inflated = self._step(stream, data, room)
            self._given += len(inflated)
            if self._given > most:
                raise PayloadExceededError("too much is inflated")
            given.append(inflated)
            if stream.eof:
                self._stream, data = None, stream.unused_data
                more = bool(data)
            else:
                # It may have taken in everything, and not have given all of it.
                data = stream.unconsumed_tail
                more = bool(data) or len(inflated) == room

    def _begin(self) -> Any:
        self._streams += 1
        if self._streams > MOST_STREAMS:
            raise PayloadCorruptError("too many streams")
        self._stream = self._zlib.start_inflating(self._bits)
        return self._stream

    def _step(self, stream: Any, data: bytes | memoryview, room: int) -> bytes:
        try:
            inflated: bytes = stream.decompress(data, room)
        except self._zlib.module.error as error:
            raise PayloadCorruptError("not what a deflater gives") from error
        return inflated
