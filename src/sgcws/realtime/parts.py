"""A message that the application gives in several calls."""

from __future__ import annotations

from sgcws.realtime.framing import ROOM, Framing

__all__ = ["PartialMessage", "size_of"]


class PartialMessage:
    """
    A message whose parts are sent as they are given; nothing else may come between them.

    Args:
        text: Whether it is text.

    Attributes:
        size: Bytes that the parts hold which wait.
        total: Bytes that all parts so far carry.
        begun: Whether a part has been sent.
        complete: Whether the last part has been given.
        lost: Whether it was dropped as a whole; what is still given of it goes nowhere.
    """

    __slots__ = ("_parts", "begun", "complete", "lost", "size", "text", "total")

    def __init__(self, text: bool) -> None:
        self.text = text
        self.size = self.total = 0
        self.begun = self.complete = self.lost = False
        self._parts: list[tuple[bytes, bool]] = []

    def add(self, payload: bytes, last: bool) -> None:
        """Take a part."""
        self.complete = last
        self._parts.append((payload, last))
        self.size += size_of(payload)
        self.total += len(payload)

    def lose(self) -> int:
        """Drop it; return how many bytes waited."""
        self.lost = True
        size, self.size = self.size, 0
        self._parts = []
        return size

    def take(self, framing: Framing) -> list[bytes]:
        """Return the parts that wait as they go over the wire; they wait no more, even if that fails."""
        frames: list[bytes] = []
        parts, self._parts, self.size = self._parts, [], 0
        for payload, last in parts:
            frames += framing.encode_part(payload, self.text, not self.begun, last)
            self.begun = True
        return frames


def size_of(payload: bytes) -> int:
    """Return the bytes that a part holds while it waits."""
    return len(payload) + ROOM
