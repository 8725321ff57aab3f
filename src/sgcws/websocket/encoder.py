"""Messages as frames."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from sgcws.codec import BINARY, CONTINUATION, FINAL, RSV1, TEXT, build_frame
from sgcws.realtime.framing import Message

__all__ = ["Compressor", "Encoder"]


class Compressor(Protocol):
    """Compresses the messages to one peer (RFC 7692)."""

    @property
    def form(self) -> Hashable:
        """What decides how a message for several peers looks, compressed."""

    def wants(self, size: int) -> bool:
        """Whether a message of so many bytes is to be compressed."""

    def compress(self, payload: bytes) -> bytes:
        """Compress a message."""

    def compress_part(self, payload: bytes, first: bool, last: bool) -> bytes:
        """Compress a part of a message."""

    def compress_shared(self, payload: bytes) -> bytes:
        """Compress a message for every peer with the same `form`."""

    def skip(self) -> None:
        """Hear that the peer was sent a message that another compressor has compressed."""


class Encoder:
    """
    Makes the frames for one peer.

    Args:
        compressor: How messages are compressed, or None.
    """

    __slots__ = ("_compressor",)

    def __init__(self, compressor: Compressor | None) -> None:
        self._compressor = compressor

    def encode(self, message: Message) -> list[bytes]:
        """Return a message in frames."""
        compressor = self._compressor
        if compressor is not None and not compressor.wants(len(message.payload)):
            compressor = None
        if message.forms is not None:
            return _shared(message, message.forms, compressor)
        payload = message.payload if compressor is None else compressor.compress(message.payload)
        return _frames(message, payload, compressor is not None)

    def encode_part(self, payload: bytes, text: bool, first: bool, last: bool) -> list[bytes]:
        """Return a part of a message as a frame."""
        flags = FINAL if last else 0
        if first:
            flags |= (TEXT if text else BINARY) | (0 if self._compressor is None else RSV1)
        if self._compressor is not None:
            payload = self._compressor.compress_part(payload, first, last)
        return [build_frame(flags, payload)]


def _shared(message: Message, forms: dict[object, list[bytes]], compressor: Compressor | None) -> list[bytes]:
    """Return a message for several peers, made once for all that take it in the same form."""
    form = None if compressor is None else compressor.form
    frames = forms.get(form)
    if frames is None:
        payload = message.payload if compressor is None else compressor.compress_shared(message.payload)
        frames = forms[form] = _frames(message, payload, compressor is not None)
    if compressor is not None:
        compressor.skip()
    return frames


def _frames(message: Message, payload: bytes, compressed: bool) -> list[bytes]:
    first = (TEXT if message.text else BINARY) | (RSV1 if compressed else 0)
    size = message.fragment_size
    if size is None or len(payload) <= size:
        return [build_frame(FINAL | first, payload)]
    cuts = range(size, len(payload) - size, size)
    head = build_frame(first, payload[:size])
    middle = [build_frame(CONTINUATION, payload[at : at + size]) for at in cuts]
    at = size * (len(middle) + 1)
    return [head, *middle, build_frame(FINAL | CONTINUATION, payload[at:])]
