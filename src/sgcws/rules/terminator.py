"""Where the messages of raw TCP end."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from sgcws.values import Scan

__all__ = ["Splitter", "splitter_for"]


class Splitter(Protocol):
    """
    Takes in what comes from one peer, and gives it back as messages, without their terminators.

    Every octet is looked at once, or as often as the terminator is long, however the stream is cut into packets.
    """

    too_big: bool
    """Whether something larger than a message may be has come. No more is taken in then, or kept."""

    @property
    def waiting(self) -> bool:
        """Whether there is a message to take."""

    @property
    def size(self) -> int:
        """Bytes that it keeps."""

    def feed(self, data: bytes) -> None:
        """Take in one packet, of one byte or more."""

    def take(self) -> bytes:
        """Return the next message; there has to be one."""


def splitter_for(terminator: bytes, scan: Scan, limit: int) -> Splitter:
    """
    Make a splitter for one peer.

    Two terminators in a row have an empty message between them.

    Args:
        terminator: What ends a message, one byte or more.
        scan: Where to look for it.
        limit: The largest message in bytes, at least 1.
    """
    if scan is Scan.NONE:
        return Packets(limit)
    return (AtTheEnd if scan is Scan.LATEST else Anywhere)(terminator, limit)


class Packets:
    """
    Every packet is a message.

    How a stream is cut into packets says nothing about the peer.
    So a packet that is larger than a message may be is given in pieces, and nothing is too big.
    """

    too_big = False

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._whole: deque[bytes] = deque()

    @property
    def waiting(self) -> bool:
        return bool(self._whole)

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        self._whole.extend(data[start : start + self._limit] for start in range(0, len(data), self._limit))

    def take(self) -> bytes:
        message = self._whole.popleft()
        self.size -= len(message)
        return message


class AtTheEnd:
    """A message is over when the last that came ends with the terminator; within the message it may stand, too."""

    def __init__(self, terminator: bytes, limit: int) -> None:
        self.size = 0
        self.too_big = False
        self._terminator = terminator
        self._room = limit + len(terminator)
        self._begun = bytearray()
        self._whole: deque[bytes] = deque()

    @property
    def waiting(self) -> bool:
        return bool(self._whole)

    def feed(self, data: bytes) -> None:
        if self.too_big:
            return
        self._begun += data
        self.size += len(data)
        if len(self._begun) <= self._room and self._begun.endswith(self._terminator):
            del self._begun[-len(self._terminator) :]
            self.size -= len(self._terminator)
            self._whole.append(bytes(self._begun))
            self._begun = bytearray()
        elif len(self._begun) >= self._room:
            self.too_big = True
            self.size -= len(self._begun)
            self._begun = bytearray()

    def take(self) -> bytes:
        message = self._whole.popleft()
        self.size -= len(message)
        return message


class Anywhere:
    """A message is over at the first terminator. What comes after it is looked at when the message is taken."""

    def __init__(self, terminator: bytes, limit: int) -> None:
        self.too_big = False
        self._terminator = terminator
        self._room = limit + len(terminator)
        self._come = bytearray()
        self._looked_at = 0
        self._end = -1

    @property
    def waiting(self) -> bool:
        return self._end >= 0

    @property
    def size(self) -> int:
        return len(self._come)

    def feed(self, data: bytes) -> None:
        if self.too_big:
            return
        self._come += data
        if self._end < 0:
            self._look()

    def take(self) -> bytes:
        with memoryview(self._come) as come, come[: self._end] as before:
            message = bytes(before)
        # From the front of a bytearray this moves nothing.
        del self._come[: self._end + len(self._terminator)]
        self._looked_at = 0
        self._look()
        return message

    def _look(self) -> None:
        """Find the next terminator, unless it is too far away; its beginning may have been there before."""
        self._end = self._come.find(self._terminator, self._looked_at, self._room)
        if self._end >= 0:
            return
        if len(self._come) >= self._room:
            self.too_big = True
            self._come = bytearray()
        self._looked_at = max(0, len(self._come) - len(self._terminator) + 1)
