"""A peer in memory that takes what it likes, and who sends to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.python.failure import Failure

from sgcws.realtime.framing import Message
from sgcws.websocket.encoder import Encoder
from tests.cases.frames import Frame
from tests.support import raiser

__all__ = ["BELOW", "KIB", "Breakable", "Sender", "Socket", "whole_frames"]

KIB = 1024

BELOW = 128 * KIB
"""What may wait in a `Socket`: 64 KiB, and the piece of as much that comes on top."""


class Socket:
    """
    A sink that asks its producer to pause when more than 64 KiB wait, and to resume when nothing does, as TCP does.

    Attributes:
        stuck: Whether the peer takes nothing.
        room: How much may wait.
        taken: What it has taken.
        kept: What waits.
        most: The most that has waited.
        largest: The largest piece that was written at once.
        producer: Who is asked.
        gone: Whether nothing may be written any more.
    """

    def __init__(self) -> None:
        self.taken = b""
        self.kept = b""
        self.most = self.largest = 0
        self.room = 64 * KIB
        self.stuck = self.gone = False
        self.producer: Any = None
        self._asked = False

    def register(self, producer: Any) -> None:
        """Keep whom to ask."""
        self.producer = producer

    def unregister(self) -> None:
        """Ask nobody any more."""
        self.producer = None

    def write(self, data: bytes) -> None:
        """Keep some bytes, until the peer takes them."""
        assert not self.gone, "written after the end"
        self.kept += data
        self.largest = max(self.largest, len(data))
        self.most = max(self.most, len(self.kept))
        if not self.stuck:
            self.read()
        elif len(self.kept) > self.room and self.producer is not None:
            self._asked = True
            self.producer.pauseProducing()

    def waiting(self) -> int:
        """Count what waits."""
        return len(self.kept)

    def read(self, size: int | None = None) -> None:
        """Take some bytes as the peer, or all that are there now."""
        size = len(self.kept) if size is None else size
        self.taken, self.kept = self.taken + self.kept[:size], self.kept[size:]
        if self._asked and not self.kept:
            self._asked = False
            if self.producer is not None:
                self.producer.resumeProducing()

    def unblock(self) -> None:
        """Let the peer take everything from now on."""
        self.stuck = False
        self.read()


class Sender:
    """
    Whose messages an outbox keeps.

    Attributes:
        held: Bytes that are kept.
        told: What else it was told.
        lives: How often it heard that the peer lives.
        on_hold: Called with each change.
        on_overflow: Called when the peer is to be closed.
        on_failure: Called when a message could not be sent.
    """

    def __init__(self) -> None:
        self.held = self.lives = 0
        self.told: list[Any] = []
        self.on_hold: Callable[[int], object] = lambda change: None
        self.on_overflow: Callable[[], object] = lambda: None
        self.on_failure: Callable[[], object] = lambda: None

    def hold(self, change: int) -> None:
        """Count."""
        self.held += change
        assert change and self.held >= 0
        self.on_hold(change)

    def overflowed(self) -> None:
        """Note it."""
        self.told.append("overflowed")
        self.on_overflow()

    def dropped(self, count: int) -> None:
        """Note it."""
        if count:
            self.told.append(("dropped", count))

    def write_failed(self, failure: Failure, fatal: bool = False) -> None:
        """Note it."""
        self.told.append(("fatal" if fatal else "failed", failure.type))
        self.on_failure()

    def heard(self) -> None:
        """Note it."""
        self.lives += 1


class Breakable(Encoder):
    """
    Frames as of a WebSocket.

    Attributes:
        broken: Whether none can be made.
    """

    broken = False

    def encode(self, message: Message) -> list[bytes]:
        """Encode, or fail."""
        return raiser(OSError())() if self.broken else super().encode(message)  # type: ignore[no-any-return]

    def encode_part(self, *part: Any) -> list[bytes]:
        """Encode, or fail."""
        return raiser(OSError())() if self.broken else super().encode_part(*part)  # type: ignore[no-any-return]


def whole_frames(data: bytes) -> tuple[list[Frame], bytes]:
    """Return the whole frames that a server sent, and what is left: the beginning of one, or nothing."""
    found = []
    while len(data) > 1:
        head = {126: 4, 127: 10}.get(data[1], 2)
        size = int.from_bytes(data[2:head]) if head > 2 else data[1]
        if len(data) < head + size:
            break
        found.append(Frame(data[0] & 0x0F, data[head : head + size], bool(data[0] & 0x80)))
        data = data[head + size :]
    return found, data
